import { describe, expect, it } from 'vitest'
import { growatt } from './growatt.ts'

const decode = (body: unknown, topic?: string, timezone?: string) =>
  growatt.decode(
    {
      body: new TextEncoder().encode(JSON.stringify(body)),
      transport: 'mqtt',
      receivedAt: 1_700_000_000_000,
      ...(topic !== undefined && { topic }),
      ...(timezone !== undefined && { timezone }),
    },
    growatt.initialState?.() as Parameters<typeof growatt.decode>[1],
  )

describe('balcony storages', () => {
  const record = {
    deviceSn: '0PVP00000001',
    time: Date.parse('2025-09-08T02:30:29Z'),
    status: 1,
    pac: 159,
    ppv: 295,
    eacToday: 0.4,
    eacTotal: 123.4,
    totalBatteryPackChargingStatus: 1,
    totalBatteryPackChargingPower: 132,
    totalBatteryPackSoc: 13,
    totalHouseholdLoad: 0,
    battery1SerialNum: '0HVR00000001',
    battery1Temp: 23,
    battery2SerialNum: '',
    battery2Temp: 0,
    pv1Voltage: 36.2,
    pv1Current: 4.1,
    pv2Voltage: 0,
    pv2Current: 0,
    faultStatus: 0,
  }
  it('have a battery, and the local time that their milliseconds hold as Chinese time', () => {
    const [built] = decode({ code: 0, data: { noah: [record] } }, undefined, 'Europe/Berlin').readings
    expect(built).toMatchObject({
      ts: Date.parse('2025-09-08T10:30:29+02:00'),
      tsSource: 'device',
      metrics: {
        ac_power_w: 159,
        pv_power_w: 295,
        battery_power_w: -132,
        battery_soc_pct: 13,
        energy_total_wh: 123_400,
      },
      status: 'producing',
      faults: [],
      dc: [{ voltage_v: 36.2, current_a: 4.1 }],
      extra: { battery1_temp_c: 23 },
    })
    expect(built?.metrics.load_power_w).toBeUndefined()
    expect(built?.extra).not.toHaveProperty('battery2_temp_c')
  })
  it('take the time of arrival where the zone is not known', () => {
    expect(decode({ data: { noah: [record] } }).readings[0]).toMatchObject({ tsSource: 'arrival' })
  })
  it.each([
    [2, 314, 314],
    [2, -314, 314],
    [undefined, -314, 314],
    [1, 90, -90],
    [0, 0, 0],
  ])('discharge: status %s with %s is %s', (totalBatteryPackChargingStatus, totalBatteryPackChargingPower, watts) => {
    const changed = { ...record, totalBatteryPackChargingStatus, totalBatteryPackChargingPower }
    expect(decode({ data: { noah: [changed] } }).readings[0]?.metrics.battery_power_w).toBe(watts)
  })
  it('come from a relay by their topic, and are old while offline', () => {
    const state = {
      output_w: 188,
      solar_w: 111,
      soc: 13,
      charge_w: 0,
      discharge_w: 103,
      battery_num: 1,
      generation_total_kwh: 123.4,
      generation_today_kwh: 0.4,
      status: 'online',
    }
    expect(decode(state, 'noah2mqtt/0PVP00000001').readings).toMatchObject([
      {
        device: '0PVP00000001',
        metrics: {
          ac_power_w: 188,
          pv_power_w: 111,
          battery_power_w: 103,
          battery_soc_pct: 13,
          energy_total_wh: 123_400,
          energy_day_wh: 400,
        },
        status: 'producing',
      },
    ])
    expect(decode({ ...state, status: 'offline' }, 'noah2mqtt/0PVP00000001').readings[0]).toMatchObject({
      status: 'unreachable',
      quality: ['stale'],
    })
    expect(decode({ serial: '0HVR1', soc: 14, temp: 23 }, 'noah2mqtt/0PVP00000001/BAT0').readings).toMatchObject([
      { device: '0HVR1', metrics: { battery_soc_pct: 14 }, attributes: { kind: 'battery', parent: '0PVP00000001' } },
    ])
    const settings = { charging_limit: 95, discharge_limit: 11, output_power_w: 200 }
    expect(decode(settings, 'noah2mqtt/0PVP00000001/parameters').readings).toEqual([])
  })
})

describe('off-grid storages on the server', () => {
  const data = {
    serialNum: 'NUK000001',
    status: 12,
    statusText: 'PV Charging+Discharging',
    outPutPower: 540,
    outPutVolt: 229.9,
    freqOutPut: 49.98,
    capacity: 98,
    vBat: 53.1,
    pCharge: 0,
    pDischarge: 90,
    ppv: 300,
    ppv2: 200,
    vpv: 93,
    vpv2: 91,
    epvTotal: 539.6,
    epvTotal2: 511.5,
    pAcInPut: 0,
    pacToUser: 0,
    pacToGrid: 0,
    errorCode: 0,
  }
  it('feed the loads from two inputs and a battery', () => {
    expect(decode({ device_sn: 'NUK000001', data }).readings).toMatchObject([
      {
        device: 'NUK000001',
        metrics: {
          pv_power_w: 500,
          load_power_w: 540,
          grid_power_w: 0,
          battery_power_w: 90,
          battery_soc_pct: 98,
          energy_total_wh: 1_051_100,
          frequency_hz: 49.98,
        },
        status: 'producing',
        dc: [
          { voltage_v: 93, power_w: 300 },
          { voltage_v: 91, power_w: 200 },
        ],
        ac: [{ voltage_v: 229.9, power_w: 540 }],
      },
    ])
  })
  it('take from the grid what goes in, and have no battery where all of it is zero', () => {
    const bypass = { ...data, status: 11, pAcInPut: 620, ppv: 0, ppv2: 0, capacity: 0, vBat: 0, pDischarge: 0 }
    const [built] = decode({ device_sn: 'NUK000001', data: bypass }).readings
    expect(built).toMatchObject({ metrics: { grid_power_w: 620 }, status: 'standby' })
    expect(built?.metrics).not.toHaveProperty('battery_power_w')
  })
})

describe('an RS485 adapter', () => {
  const registers = {
    status: 1,
    solarpower: 283.3,
    pv1voltage: 210.1,
    pv1current: 0.6,
    pv1power: 140.2,
    outputpower: 270.4,
    gridfrequency: 50.01,
    energytoday: 1.2,
    energytotal: 2345.6,
    tempinverter: 35.1,
    faultcode: 0,
  }
  it('has the registers of a stick under other names', () => {
    expect(decode({ ...registers, gridvoltage: 233.4 }, 'growatt/data').readings).toMatchObject([
      {
        device: 'growatt/data',
        metrics: {
          ac_power_w: 270.4,
          dc_power_w: 283.3,
          frequency_hz: 50.01,
          energy_day_wh: 1200,
          energy_total_wh: 2_345_600,
          inverter_temp_c: 35.1,
        },
        status: 'producing',
        faults: [],
        dc: [{ voltage_v: 210.1, current_a: 0.6, power_w: 140.2 }],
        ac: [{ voltage_v: 233.4 }],
      },
    ])
    const phases = { gridvoltagel1: 231, gridcurrentl1: 0.4, gridpowerl1: 90.1, gridvoltagel2: 232, gridpowerl2: 91 }
    expect(decode({ ...registers, ...phases, faultcode: 25 }, 'growatt/data').readings[0]).toMatchObject({
      ac: [
        { voltage_v: 231, current_a: 0.4, power_w: 90.1 },
        { voltage_v: 232, power_w: 91 },
      ],
      faults: [{ code: '25' }],
    })
  })
  it('measures nothing in its settings and its state', () => {
    expect(decode({ safetyfuncen: 1, maxoutputactivepp: 100 }, 'growatt/settings').readings).toEqual([])
    expect(decode({ rssi: -60, uptime: 12, ssid: 'x' }, 'growatt/status').readings).toEqual([])
  })
})
