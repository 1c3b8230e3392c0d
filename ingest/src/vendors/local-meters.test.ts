import { describe, expect, it } from 'vitest'
import type { AnyVendor } from '../vendor.ts'
import { growatt } from './growatt.ts'
import { homeassistantDiscovery } from './homeassistant-discovery.ts'
import { shelly } from './shelly.ts'
import { sma } from './sma.ts'
import { tasmota } from './tasmota.ts'

const receivedAt = 1_700_000_000_000
const decode = (vendor: AnyVendor, body: unknown, topic?: string, state: unknown = vendor.initialState?.()) =>
  vendor.decode(
    {
      body: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
      transport: 'mqtt',
      receivedAt,
      ...(topic !== undefined && { topic }),
    },
    state,
  )

describe('growatt', () => {
  it('takes the grid from both directions where the record has no meter', () => {
    const record = {
      deviceSn: 'A',
      utcTime: '2026-02-25 00:10:01',
      activePower: 0,
      reverActivePower: 4450.1,
      pac: 4562.8,
      batPower: -4816,
      status: 6,
    }
    expect(decode(growatt, { code: 0, data: record }).readings[0]).toMatchObject({
      ts: Date.parse('2026-02-25T00:10:01Z'),
      metrics: { grid_power_w: -4450.1, battery_power_w: 4816 },
      status: 'producing',
    })
    expect(decode(growatt, { code: 0, data: JSON.stringify(record) }).readings).toHaveLength(1)
  })
  it('keeps errors and protections apart', () => {
    const { readings } = decode(growatt, {
      dataType: 'dfcData',
      data: { deviceSn: 'A', pac: 0, status: 3, faultCode: 203, faultSubCode: 200, protectCode: 203 },
    })
    expect(readings[0]).toMatchObject({
      status: 'fault',
      faults: [
        { code: '203', severity: 'critical' },
        { code: 'P203', severity: 'minor' },
      ],
    })
  })
  it('rejects a value beyond bounds and keeps the others', () => {
    const { readings, rejected } = decode(growatt, {
      dataType: 'dfcData',
      data: { deviceSn: 'A', pac: 1e12, ppv: 5, fac: 'abc' },
    })
    expect(readings[0]?.metrics).toEqual({ pv_power_w: 5 })
    expect(rejected?.map((one) => one.reason)).toEqual(['out-of-bounds', 'invalid-field'])
  })
  it('has an item without a serial rejected alone', () => {
    const { readings, rejected } = decode(growatt, { code: 0, data: [{ pac: 1 }, { deviceSn: 'B', pac: 2 }] })
    expect(readings.map((one) => one.device)).toEqual(['B'])
    expect(rejected).toHaveLength(1)
  })
})

describe('sma', () => {
  const channel = (channelId: string, value: number, componentId = 'IGULD:1') => ({
    channelId: `Measurement.${channelId}`,
    componentId,
    values: [{ time: '2026-06-01T10:00:00Z', value }],
  })
  it('does not call a meter or a charger producing', () => {
    const { readings } = decode(sma, [
      channel('Metering.GridMs.TotWIn', 120),
      channel('Metering.GridMs.TotWOut', 0),
      channel('Metering.GridMs.TotWhIn', 5000),
      channel('Operation.Health', 307),
      channel('ChaSess.WhIn', 100, 'IGULD:2'),
      channel('Metering.GridMs.TotWIn', 7200, 'IGULD:2'),
    ])
    expect(readings).toMatchObject([
      { device: 'IGULD:1', metrics: { grid_power_w: 120, import_total_wh: 5000 }, attributes: { kind: 'meter' } },
      { device: 'IGULD:2', metrics: { load_power_w: 7200 }, attributes: { kind: 'charger' } },
    ])
    expect(readings.every((one) => one.status === undefined)).toBe(true)
  })
  it('takes the event number as a fault only while the health says so', () => {
    const inverter = (health: number) =>
      decode(sma, [
        channel('GridMs.TotW', 0),
        channel('Operation.Health', health),
        channel('Operation.Evt.EvtNo', 8708),
      ]).readings[0]
    expect(inverter(307)).toMatchObject({ status: 'standby', faults: [] })
    expect(inverter(35)).toMatchObject({ status: 'fault', faults: [{ code: '8708', severity: 'major' }] })
    expect(inverter(455)).toMatchObject({ status: 'standby', faults: [{ code: '8708', severity: 'minor' }] })
  })
  it('has no battery where a hybrid sends zeros for one', () => {
    const codes = (volts: number, soc: number) => ({
      result: {
        '01B8-00000001': {
          '6100_00495C00': { '9': [{ val: volts }] },
          '6100_00295A00': { '9': [{ val: soc }] },
          '6100_00496900': { '9': [{ val: 500 }] },
          '6100_00496A00': { '9': [{ val: 0 }] },
          '6100_40263F00': { '9': [{ val: null }] },
        },
      },
    })
    expect(decode(sma, codes(0, 0)).readings).toEqual([])
    expect(decode(sma, codes(20_480, 55)).readings[0]).toMatchObject({
      metrics: { battery_power_w: -500, battery_soc_pct: 55 },
      attributes: { serial: '1' },
    })
  })
})

describe('tasmota', () => {
  it('reads a French meter: watts beside volt-amperes, counters in Wh as text', () => {
    const meter = {
      PH: 1,
      ISUB: 45,
      PSUB: 9000,
      U1: 235,
      P1: 1500,
      W1: 1400,
      I1: 6,
      P: 1500,
      W: 1400,
      PP: 0,
      PW: 0,
      C: 0.93,
    }
    expect(decode(tasmota, { METER: meter }, 'tele/c/SENSOR').readings).toMatchObject([
      { metrics: { grid_power_w: 1400, power_factor: 0.93 }, ac: [{ voltage_v: 235, current_a: 6, power_w: 1400 }] },
    ])
    const frame = { ADCO: '061964000000', HCHC: '001000500', HCHP: '002000000', PAPP: '00780' }
    const told = decode(tasmota, { TIC: frame }, 'tele/c/SENSOR').readings
    expect(told.map((one) => one.metrics)).toEqual([{ import_total_wh: 3_000_500 }])
    expect(decode(tasmota, { TIC: { ...frame, HCHP: undefined } }, 'tele/c/SENSOR').readings).toEqual([])
  })
  it('reads names of scripts inside ENERGY, and numbers of OBIS in full', () => {
    const energy = { E_in: 10, E_out: 2, Power: -63, Freq: 50 }
    expect(decode(tasmota, { ENERGY: energy }, 'tele/a/SENSOR').readings).toMatchObject([
      { metrics: { ac_power_w: -63, import_total_wh: 10_000, export_total_wh: 2000, frequency_hz: 50 } },
    ])
    const pv = { Pv1Power: 300, Pv2Power: 620, Pv1Voltage: 300, Power: 900 }
    expect(decode(tasmota, { ENERGY: pv }, 'tele/a/SENSOR').readings).toMatchObject([
      { metrics: { ac_power_w: 900, dc_power_w: 920 }, dc: [{ voltage_v: 300, power_w: 300 }, { power_w: 620 }] },
    ])
    const sml = { '1-0:1.8.0*255': 100.5, '1-0:16.7.0*255': -12 }
    expect(decode(tasmota, { SML: sml }, 'tele/a/SENSOR').readings).toMatchObject([
      { metrics: { import_total_wh: 100_500, grid_power_w: -12 } },
    ])
  })
  it('gives the device its name wherever the prefix stands', () => {
    const body = { Time: '2026-06-01T10:00:00', ENERGY: { Power: 5 } }
    const names = ['tele/a/SENSOR', 'a/tele/SENSOR', 'home/a/tele/SENSOR'].map(
      (topic) => decode(tasmota, body, topic).readings[0]?.device,
    )
    expect(names).toEqual(['a', 'a', 'home/a'])
  })
  it('reads parts of a status, and sensors beside the time', () => {
    const sensor = { Time: '2018-02-16T16:18:49', Temperature: 25, Humidity: 83, Light: 10, TempUnit: 'C' }
    expect(decode(tasmota, sensor).readings[0]?.metrics).toEqual({ ambient_temp_c: 25 })
    expect(decode(tasmota, { MqttHost: 'x', MqttPort: 1883, KEEPALIVE: 15 }).readings).toEqual([])
  })
  it('takes nothing from commands, states and results', () => {
    for (const topic of ['cmnd/a/POWER', 'stat/a/POWER', 'tele/a/STATE', 'stat/a/RESULT', 'stat/a/STATUS5'])
      expect(decode(tasmota, 'ON', topic).readings).toEqual([])
  })
})

describe('shelly', () => {
  it('joins a meter and its counters that arrive at once', () => {
    const state = shelly.initialState?.()
    decode(shelly, { id: 0, total_act_power: 5 }, 'x/status/em:0', state)
    expect(
      decode(shelly, { id: 0, total_act: 7, total_act_ret: 1 }, 'x/status/emdata:0', state).readings[0]?.metrics,
    ).toEqual({ grid_power_w: 5, import_total_wh: 7, export_total_wh: 1 })
  })
  it('has one device per clamp of a monophase meter', () => {
    const status = {
      'em1:0': { id: 0, act_power: -500, voltage: 230 },
      'em1:1': { id: 1, act_power: 20 },
      'em1data:1': { id: 1, total_act_energy: 9 },
      sys: { mac: 'AA', unixtime: 1_700_000_000 },
    }
    expect(decode(shelly, status).readings.map((one) => [one.device, one.metrics])).toEqual([
      ['shelly-aa', { grid_power_w: -500 }],
      ['shelly-aa/em1:1', { grid_power_w: 20, import_total_wh: 9 }],
    ])
  })
  it('reads one meter of the first generation by its address', () => {
    const meter = { power: 48.2, overpower: 0, is_valid: true, timestamp: 1_700_000_000, counters: [1, 2], total: 600 }
    const clamp = { power: -50.5, pf: -0.5, voltage: 230.2, is_valid: true, total: 600.1, total_returned: 7.7 }
    expect(decode(shelly, meter, '/meter/0').readings).toMatchObject([
      { device: 'shelly', metrics: { ac_power_w: 48.2, energy_total_wh: 10 } },
    ])
    expect(decode(shelly, clamp, 'http://10.0.0.9/emeter/1?x=1').readings).toMatchObject([
      { device: 'shelly/1', metrics: { grid_power_w: -50.5, import_total_wh: 600.1, export_total_wh: 7.7 } },
    ])
    expect(decode(shelly, { ...meter, is_valid: false }).readings).toEqual([])
  })
  it('measures nothing of switches and stored records', () => {
    expect(decode(shelly, { ison: true, has_timer: false, source: 'http' }).readings).toEqual([])
    const records = { keys: ['a_total_act_energy'], data: [{ ts: 1_700_000_000, period: 60, values: [[1.1]] }] }
    expect(decode(shelly, records).readings).toEqual([])
  })
  it('takes no sensor at an input for the grid, and a component of a newer kind for what it measures', () => {
    expect(decode(shelly, { id: 100, voltage: 4.2 }, 'x/status/voltmeter:100').readings).toEqual([])
    const lamp = { id: 0, output: true, apower: 12.2, aenergy: { total: 45.1 } }
    const status = { src: 'x', method: 'NotifyStatus', params: { ts: 1_700_000_000, 'rgbcct:0': lamp } }
    expect(decode(shelly, status).readings).toMatchObject([{ metrics: { ac_power_w: 12.2, energy_total_wh: 45.1 } }])
  })
  it('measures nothing of a relay without a meter', () => {
    expect(decode(shelly, { id: 0, output: false, source: 'init' }, 'x/status/switch:0').readings).toEqual([])
  })
})

describe('home assistant discovery', () => {
  const config = (rest: object) => ({
    state_topic: 's',
    unit_of_measurement: 'W',
    device_class: 'power',
    value_template: '{{ value_json.p }}',
    device: { identifiers: ['d'] },
    ...rest,
  })
  it('forgets a sensor whose config is emptied', () => {
    const state = homeassistantDiscovery.initialState?.()
    decode(homeassistantDiscovery, config({}), 'homeassistant/sensor/d/p/config', state)
    expect(decode(homeassistantDiscovery, { p: 1 }, 's', state).readings).toHaveLength(1)
    decode(homeassistantDiscovery, '', 'homeassistant/sensor/d/p/config', state)
    expect(decode(homeassistantDiscovery, { p: 1 }, 's', state).readings).toEqual([])
  })
  it('takes sensors of one name together where their device and topic have no other mark', () => {
    const state = homeassistantDiscovery.initialState?.()
    const device = { name: 'Hybrid' }
    decode(homeassistantDiscovery, config({ name: 'PV power', device }), 'homeassistant/sensor/a/config', state)
    decode(
      homeassistantDiscovery,
      config({ name: 'Load power', value_template: '{{ value_json.q }}', device }),
      'homeassistant/sensor/b/config',
      state,
    )
    expect(decode(homeassistantDiscovery, { p: 1, q: 2 }, 's', state).readings).toMatchObject([
      { device: 'Hybrid', metrics: { pv_power_w: 1, load_power_w: 2 } },
    ])
  })
  it('keeps a second sensor of a kind by its name', () => {
    const state = homeassistantDiscovery.initialState?.()
    decode(homeassistantDiscovery, config({}), 'homeassistant/sensor/d/one/config', state)
    decode(
      homeassistantDiscovery,
      config({ value_template: '{{ value_json.q }}' }),
      'homeassistant/sensor/d/two/config',
      state,
    )
    expect(decode(homeassistantDiscovery, { p: 1, q: 2 }, 's', state).readings[0]).toMatchObject({
      metrics: { ac_power_w: 1 },
      extra: { two: 2 },
    })
  })
  it.each([
    ['Solar Power', { metrics: { pv_power_w: 5 } }],
    ['PV Total Power', { metrics: { pv_power_w: 5 } }],
    ['Total DC power', { metrics: { dc_power_w: 5 } }],
    ['DC Input 2 Power', { dc: [{}, { power_w: 5 }] }],
    ['EV charging power', { metrics: { load_power_w: 5 } }],
    ['Inverter Power', { metrics: { ac_power_w: 5 } }],
    ['PV power 2', { dc: [{}, { power_w: 5 }] }],
    ['Net power consumption', { metrics: { grid_power_w: 5 } }],
    ['Active power P-', { metrics: { grid_power_w: -5 } }],
    ['Heating rod power', { metrics: { load_power_w: 5 } }],
  ])('takes %s for what it is called', (name, expected) => {
    const state = homeassistantDiscovery.initialState?.()
    decode(homeassistantDiscovery, config({ name }), 'homeassistant/sensor/d/p/config', state)
    expect(decode(homeassistantDiscovery, { p: 5 }, 's', state).readings).toMatchObject([expected])
  })
  /** What a device announces as [name, class, unit], and the reading of one body with a value for each. */
  const announced = (sensors: [name: string, deviceClass: string, unit: string, value: number][]) => {
    const state = homeassistantDiscovery.initialState?.()
    sensors.forEach(([name, device_class, unit_of_measurement], i) =>
      decode(
        homeassistantDiscovery,
        config({ name, device_class, unit_of_measurement, value_template: `{{ value_json.v${i} }}` }),
        `homeassistant/sensor/d/s${i}/config`,
        state,
      ),
    )
    const body = Object.fromEntries(sensors.map(([, , , value], i) => [`v${i}`, value]))
    return decode(homeassistantDiscovery, body, 's', state).readings[0]
  }
  it('adds up the tariffs of a meter, and takes its two powers from each other', () => {
    const reading = announced([
      ['Energy Delivered T1', 'energy', 'kWh', 100.1],
      ['Energy Delivered T2', 'energy', 'kWh', 200],
      ['Energy Returned T1', 'energy', 'kWh', 10],
      ['Power Delivered', 'power', 'kW', 0],
      ['Power Returned', 'power', 'kW', 1.5],
      ['Power Returned l1', 'power', 'kW', 1.5],
    ])
    expect(reading?.metrics).toEqual({ import_total_wh: 300_100, grid_power_w: -1500 })
    expect(reading?.extra).toMatchObject({ export_total_wh_tariff_1: 10_000, s5: 1.5 })
    expect(reading?.ac).toBeUndefined()
  })
  it('takes no part for the whole', () => {
    const reading = announced([
      ['Energy phase a', 'energy', 'kWh', 10],
      ['PV1 energy today', 'energy', 'kWh', 0.2],
      ['EPS power', 'power', 'W', 0],
      ['Grid power L1', 'power', 'W', 70],
      ['Power factor phase b', 'power_factor', '%', 98],
      ['Line voltage A-B', 'voltage', 'V', 400],
      ['Bus voltage', 'voltage', 'V', 380],
      ['Boiler flow temperature', 'temperature', '°C', 34],
      ['Load voltage', 'voltage', 'V', 0],
      ['Energy production last seven days', 'energy', 'kWh', 77],
      ['Active energy A-', 'energy', 'kWh', 5],
      ['Total energy', 'energy', 'kWh', 1000],
      ['Inverter power', 'power', 'W', 2500],
    ])
    expect(reading?.metrics).toEqual({ energy_total_wh: 1_000_000, export_total_wh: 5000, ac_power_w: 2500 })
    expect(reading?.ac).toBeUndefined()
    expect(announced([['Voltage b', 'voltage', 'V', 231]])?.ac).toEqual([{}, { voltage_v: 231 }])
  })
  it('stays bounded', () => {
    const state = homeassistantDiscovery.initialState?.()
    for (let i = 0; i < 400; i++)
      decode(
        homeassistantDiscovery,
        config({ device: { identifiers: [`d${i}`] }, state_topic: `s${i}` }),
        `homeassistant/sensor/d${i}/p/config`,
        state,
      )
    expect(Object.keys(state?.devices ?? {}).length).toBeLessThanOrEqual(300)
  })
})
