/** OpenDTU and AhoyDTU: what the fixtures do not show, mostly which rows must not be replaced by later ones. */
import { describe, expect, it } from 'vitest'
import { ahoydtu } from './ahoydtu.ts'
import { opendtu } from './opendtu.ts'
import type { AnyVendor } from '../vendor.ts'

const start = 1_700_000_000_000
function session(vendor: AnyVendor) {
  const state: unknown = vendor.initialState?.()
  return (body: unknown, at = 0, topic?: string) =>
    vendor.decode(
      {
        body: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
        transport: 'mqtt',
        receivedAt: start + at,
        ...(topic !== undefined && { topic }),
      },
      state,
    )
}

describe('opendtu', () => {
  const SERIAL = '116181698765'
  it('does not replace a measured row when the next burst has a status and no values', () => {
    const send = session(opendtu)
    const publish = (name: string, text: string, at: number) => send(text, at, `solar/${SERIAL}/${name}`).readings
    publish('status/reachable', '1', 0)
    publish('status/last_update', '1699999990', 0)
    expect(publish('0/power', '5', 0)).toMatchObject([
      { ts: 1_699_999_990_000, tsSource: 'device', metrics: { ac_power_w: 5 } },
    ])
    expect(publish('status/reachable', '1', 5000)).toEqual([])
    expect(publish('status/last_update', '1699999990', 5000)).toEqual([])
    expect(publish('status/reachable', '0', 10_000)).toMatchObject([
      { ts: start + 10_000, tsSource: 'arrival', status: 'unreachable', metrics: {} },
    ])
  })
  it('takes the time of arrival where the DTU has none', () => {
    const send = session(opendtu)
    send('0', 0, `solar/${SERIAL}/status/last_update`)
    expect(send('5', 0, `solar/${SERIAL}/0/power`).readings).toMatchObject([{ ts: start, tsSource: 'arrival' }])
  })
  it.each([
    [{ inverters: [], total: {} }, 0],
    [{ '116181698765': { limit_relative: 100, max_power: 600, limit_set_status: 'Ok' } }, 0],
    [{ count: 1, events: [{ message_id: 1, message: 'Inverter start', start_time: 1, end_time: 2 }] }, 0],
    [{ inverter: [{ id: 0, serial: SERIAL, type: 'HM-600' }] }, 0],
    [
      {
        inverters: [
          { serial: SERIAL, reachable: true, producing: true, AC: { '0': { Power: { v: 1.25, u: 'kW', d: 2 } } } },
        ],
      },
      1,
    ],
  ])('understands %j', (body, count) => expect(session(opendtu)(body).readings).toHaveLength(count))
  it('takes the meter and the battery of OpenDTU-OnBattery as devices beside the inverters', () => {
    const send = session(opendtu)
    send('196.0', 0, 'home/solar/powermeter/powertotal')
    send('-12.5', 10, 'home/solar/powermeter/power1')
    expect(send('231.2', 20, 'home/solar/powermeter/voltage1').readings).toMatchObject([
      {
        device: 'home/solar/powermeter',
        ts: start,
        metrics: { grid_power_w: 196 },
        ac: [{ power_w: -12.5, voltage_v: 231.2 }],
        attributes: { kind: 'meter' },
      },
    ])
    const [battery] = send('87', 0, 'home/solar/battery/stateOfCharge').readings
    expect(battery).toMatchObject({ device: 'home/solar/battery', metrics: { battery_soc_pct: 87 } })
    expect(send('-4.2', 10, 'home/solar/battery/current').readings[0]?.metrics).toEqual({ battery_soc_pct: 87 })
    expect(send('full', 20, 'home/solar/battery/voltage').rejected).toHaveLength(1)
  })
  it.each([
    'solar/ac/power',
    'solar/battery/alarm/underVoltage',
    'solar/victron/HQ1/V',
    'homeassistant/sensor/x/config',
  ])('%s measures nothing', (topic) => expect(session(opendtu)('5', 0, topic)).toEqual({ readings: [] }))
  it('marks what a broker kept as stale', () => {
    const message = {
      topic: `solar/${SERIAL}/0/power`,
      body: new TextEncoder().encode('5'),
      retain: true,
      receivedAt: start,
    } as const
    const flags = (transport: 'mqtt' | 'broker') =>
      opendtu.decode({ ...message, transport }, { devices: {} }).readings[0]?.quality
    expect([flags('broker'), flags('mqtt')]).toEqual([['stale'], []])
  })
  it('reads the unit beside the number', () => {
    const body = {
      inverters: [
        { serial: SERIAL, AC: { '0': { Power: { v: '1.25', u: 'kW', d: 2 }, YieldTotal: { v: 500, u: 'Wh' } } } },
      ],
    }
    expect(session(opendtu)(body).readings[0]?.metrics).toEqual({ ac_power_w: 1250, energy_total_wh: 500 })
  })
  it('leaves out the zeros of an inverter that was never heard', () => {
    const body = {
      inverters: [
        { serial: SERIAL, reachable: false, AC: { '0': { Power: { v: 0, u: 'W' }, YieldTotal: { v: 0, u: 'kWh' } } } },
      ],
    }
    expect(session(opendtu)(body).readings).toMatchObject([{ status: 'unreachable', metrics: {}, quality: ['stale'] }])
  })
  it('keeps the good inverter of a body with a broken one', () => {
    const decoded = session(opendtu)({
      inverters: [{ serial: null }, { serial: SERIAL, AC: { '0': { Power: { v: 5 } } } }],
    })
    expect(decoded.readings).toHaveLength(1)
    expect(decoded.rejected).toMatchObject([{ reason: 'invalid-field' }])
  })
})

describe('ahoydtu', () => {
  const inverter = {
    id: 0,
    name: 'MC1',
    serial: '1161',
    ts_last_success: 1_680_176_747,
    ch: [
      [230, 1, 200, 50, 1, 30, 400, 2000, 210, 95, 18],
      [33, 2, 60],
    ],
  }
  it('reads positions by the order that /api/live told', () => {
    const send = session(ahoydtu)
    send({ ch0_fld_names: ['P_AC', 'U_AC', 'YieldTotal'], fld_names: ['P_DC', 'U_DC'], iv: [true] })
    const { readings } = send({
      ...inverter,
      ch: [
        [71, 230.5, 12.5],
        [74, 33],
      ],
    })
    expect(readings[0]).toMatchObject({
      metrics: { ac_power_w: 71, energy_total_wh: 12_500 },
      dc: [{ power_w: 74, voltage_v: 33 }],
    })
  })
  it('refuses positions that cannot be what they are taken for', () => {
    const decoded = session(ahoydtu)({ ...inverter, ch: [[230, 1, 200, 0.99, 50]] })
    expect(decoded).toMatchObject({ readings: [], rejected: [{ reason: 'invalid-field' }] })
  })
  it('names inverters of /api/record/live by what their own page told before', () => {
    const send = session(ahoydtu)
    const record = { inverter: [[{ fld: 'P_AC', unit: 'W', val: '5.00' }]] }
    expect(send(record).readings[0]?.device).toBe('inverter-0')
    send({ inverter: [{ id: 0, enabled: true, name: 'Roof', serial: '1161' }] })
    expect(send(record).readings[0]?.device).toBe('Roof')
  })
  it.each([
    [0, 'off', ['stale'], 'arrival'],
    [1, 'standby', [], 'device'],
    [2, 'producing', [], 'device'],
    [3, 'unreachable', ['stale'], 'arrival'],
    [4, 'unreachable', ['stale'], 'arrival'],
  ])('status %i is %s', (code, status, quality, tsSource) =>
    expect(session(ahoydtu)({ ...inverter, status: code }).readings).toMatchObject([{ status, quality, tsSource }]),
  )
  it('takes a channel as one JSON object', () => {
    const { readings, rejected } = session(ahoydtu)(
      { P_AC: 71.5, YieldTotal: '12.5', F_AC: {}, mood: 1 },
      0,
      'inverter/Roof/ch0',
    )
    expect(readings).toMatchObject([{ device: 'Roof', metrics: { ac_power_w: 71.5, energy_total_wh: 12_500 } }])
    expect(rejected).toHaveLength(1)
  })
  it('takes a time of zero as never heard', () => {
    const silent = { ...inverter, ts_last_success: 0, ch: [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]] }
    expect(session(ahoydtu)(silent).readings).toEqual([])
  })
})
