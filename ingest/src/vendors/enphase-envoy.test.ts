import { describe, expect, it } from 'vitest'
import { enphaseEnvoy } from './enphase-envoy.ts'

type State = Parameters<typeof enphaseEnvoy.decode>[1]
const fresh = () => enphaseEnvoy.initialState?.() as State
const decode = (body: unknown, state = fresh(), topic?: string, receivedAt = 1_700_000_000_000) =>
  enphaseEnvoy.decode(
    {
      body: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
      transport: 'mqtt',
      receivedAt,
      ...(topic !== undefined && { topic }),
    },
    state,
  )
const info =
  '<?xml version="1.0"?><envoy_info><device><sn>122000000001</sn><pn>800-1</pn><software>D8.2</software></device><package><pn>500-1</pn></package></envoy_info>'
const inverters = [{ serialNumber: '1', lastReportDate: 1_700_000_000, lastReportWatts: 100 }]
const totals = { wattHoursToday: 10, wattHoursSevenDays: 100, wattHoursLifetime: 1000, wattsNow: 5 }

describe('the gateway', () => {
  it('is called by its serial where that came first', () => {
    const state = fresh()
    decode(info, state)
    expect(decode(totals, state).readings[0]).toMatchObject({
      device: '122000000001',
      attributes: { firmware: 'D8.2', model: '800-1' },
    })
    expect(decode(inverters, state).readings[0]?.attributes?.parent).toBe('122000000001')
  })
  it('does not become a second device when its serial is learnt later', () => {
    const state = fresh()
    expect(decode(totals, state).readings[0]?.device).toBe('envoy')
    decode(info, state)
    expect(decode(totals, state).readings[0]).toMatchObject({ device: 'envoy', attributes: { serial: '122000000001' } })
  })
  it('is told apart by the name a bridge put before the path', () => {
    const topics = ['north/api/v1/production', 'south/roof/api/v1/production', '/api/v1/production']
    expect(topics.map((topic) => enphaseEnvoy.shard?.(topic))).toEqual(['north', 'south/roof', ''])
    expect(decode(totals, fresh(), topics[1]).readings[0]?.device).toBe('south/roof')
  })
  it('leaves a lagging total while a fresher one comes too', () => {
    const state = fresh()
    const production = {
      production: [{ type: 'inverters', activeCount: 2, readingTime: 1_700_000_000, wNow: 5, whLifetime: 1001 }],
    }
    decode(production, state)
    expect(decode(totals, state, undefined, 1_700_000_060_000).readings).toEqual([])
    expect(decode(totals, state, undefined, 1_700_010_000_000).readings).toHaveLength(1)
  })
})

describe('meters', () => {
  it('that are switched off measure nothing, and other types are no grid meter', () => {
    const state = fresh()
    decode(
      [
        { eid: 704643584, measurementType: 'total-consumption', phaseCount: 1, state: 'enabled' },
        { eid: 704644608, measurementType: 'load', phaseCount: 1, state: 'disabled' },
        { eid: 704644352, measurementType: 'backfeed', phaseCount: 1, state: 'enabled' },
      ],
      state,
    )
    const reading = (eid: number) => ({
      eid,
      timestamp: 1_700_000_000,
      activePower: 7,
      actEnergyDlvd: 1,
      actEnergyRcvd: 2,
      pwrFactor: 0.5,
      freq: 50,
    })
    const { readings } = decode([reading(704643584), reading(704644608), reading(704644352)], state)
    expect(readings.map((one) => [one.device, one.metrics])).toEqual([
      ['704643584', { load_power_w: 7, power_factor: 0.5, frequency_hz: 50 }],
      ['704644352', { power_factor: 0.5, frequency_hz: 50 }],
    ])
  })
  it('do not fail on a power factor that is a sum', () => {
    const { readings, rejected } = decode({
      consumption: [
        {
          type: 'eim',
          activeCount: 1,
          measurementType: 'net-consumption',
          readingTime: 1_700_000_000,
          wNow: 3774.3,
          pwrFactor: 1.931,
          lines: [
            { wNow: 3774.3, rmsVoltage: 120, rmsCurrent: 31 },
            { wNow: 0, rmsVoltage: 0, rmsCurrent: 0 },
          ],
        },
      ],
    })
    expect(rejected).toEqual([])
    expect(readings).toMatchObject([
      { metrics: { grid_power_w: 3774.3 }, ac: [{ voltage_v: 120, current_a: 31, power_w: 3774.3 }] },
    ])
    expect(readings[0]?.metrics.power_factor).toBeUndefined()
  })
  it('stream a line at a time', () => {
    const line = {
      production: {
        'ph-a': { p: 100.5, q: 1, v: 230, i: 0.4, pf: 1, f: 50 },
        'ph-b': { p: 0, q: 0, v: 0, i: 0, pf: 0, f: 0 },
      },
      'net-consumption': { 'ph-a': { p: -20, q: 0, v: 230, i: 0.1, f: 50 } },
    }
    const { readings } = decode(`data: {"production":{}}\n\ndata: ${JSON.stringify(line)}\n\n`)
    expect(readings.map((one) => one.metrics)).toMatchObject([
      { ac_power_w: 100.5, frequency_hz: 50 },
      { grid_power_w: -20 },
    ])
  })
})

describe('reports', () => {
  it('have no phase for a clamp that is not used', () => {
    const line = { actPower: 26, rmsVoltage: 238, rmsCurrent: 0.5 }
    const cumulative = { actPower: 26, whDlvdCum: 231_681.576, whRcvdCum: 219.4, freqHz: 50 }
    const body = [
      {
        createdAt: 1_700_000_000,
        reportType: 'production',
        cumulative,
        lines: [line, { actPower: 0, rmsVoltage: 0, rmsCurrent: 0 }, { actPower: 0, rmsVoltage: 3.1, rmsCurrent: 0 }],
      },
    ]
    expect(decode(body).readings[0]?.ac).toEqual([{ power_w: 26, voltage_v: 238, current_a: 0.5 }])
  })
})

describe('micro-inverters', () => {
  it('that never reported are left out', () => {
    expect(decode([{ serialNumber: '1', lastReportDate: 0, lastReportWatts: 0 }]).readings).toEqual([])
  })
  it('that are gone are unreachable and their values old', () => {
    const channel = {
      watts: { now: 12 },
      wattHours: { today: 5 },
      lastReading: { endDate: 1_700_000_000 },
      lifetime: { joulesProduced: 3_600_000 },
    }
    const { readings } = decode({
      '553648384': { devName: 'pcu', sn: '9', active: true, modGone: true, channels: [channel] },
    })
    expect(readings).toMatchObject([
      { device: '9', status: 'unreachable', quality: ['stale'], metrics: { energy_total_wh: 1000 } },
    ])
  })
  it('keep the details when the plain list repeats their report', () => {
    const state = fresh()
    decode(
      {
        '1': {
          devName: 'pcu',
          sn: '1',
          active: true,
          channels: [{ watts: { now: 100 }, lastReading: { endDate: 1_700_000_000, channelTemp: 33 } }],
        },
      },
      state,
    )
    expect(decode(inverters, state).readings[0]?.metrics).toEqual({ ac_power_w: 100, inverter_temp_c: 33 })
  })
})

it.each([
  ['an error page', '<html><body><h2>401 Unauthorized</h2></body></html>', 0],
  [
    'a page cut out',
    '<h1>System Energy Production</h1><table><tr><td>Currently</td>    <td> 6.63 kW</td></tr></table>',
    1,
  ],
  ['a tariff', { tariff: { currency: { code: 'USD' } }, schedule: {} }, 0],
  ['nothing', {}, 0],
  ['an empty list', [], 0],
])('understands %s', (_, body, readings) => {
  expect(decode(body).readings).toHaveLength(readings)
})
it('refuses what is not a gateway’s', () => {
  expect(() => decode({ ENERGY: { Power: 1 } })).toThrow(expect.objectContaining({ reason: 'unknown-format' }))
})
