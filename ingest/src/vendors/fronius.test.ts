import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeFile } from '../decode-file.ts'
import { fronius } from './fronius.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/fronius')
const receivedAt = Date.parse('2016-09-13T21:50:20Z')
const decode = (body: unknown, state = fronius.initialState?.()) =>
  fronius.decode(
    { body: new TextEncoder().encode(JSON.stringify(body)), transport: 'webhook', receivedAt },
    state ?? { inverters: {}, last: {} },
  )
const head = {
  RequestArguments: { DeviceId: '1', Scope: 'Device' },
  Status: { Code: 0 },
  Timestamp: '2026-06-01T12:00:00+02:00',
}

describe('a day of the datalogger push', () => {
  const { readings, rejected } = decodeFile(fronius, 'push-day.json', readFileSync(join(fixtures, 'push-day.json')), {
    receivedAt,
  })
  const inverter = readings.filter((one) => one.device === 'inverter/1')
  const meter = readings.filter((one) => one.device === 'meter:16220118')

  it('has 287 intervals of the inverter that add up to what the file says', () => {
    expect(rejected).toEqual([])
    expect(inverter).toHaveLength(287)
    const sum = inverter.reduce((total, one) => total + (one.metrics.energy_interval_wh ?? NaN), 0)
    expect(sum).toBeCloseTo(19_980.948587, 6)
    expect(new Set(inverter.map((one) => one.metrics.interval_s))).toEqual(new Set([300]))
  })
  it('takes keys before the start of the day', () => {
    const start = Date.parse('2016-09-13T00:00:00+02:00')
    expect(inverter[0]?.ts).toBe(start - 7200_000)
    expect(inverter.at(-1)?.ts).toBe(start + 78_600_000)
  })
  it('keeps the meter as absolute counters', () => {
    expect(meter).toHaveLength(287)
    expect(meter[0]?.metrics).toEqual({ import_total_wh: 7569, export_total_wh: 21_997 })
    expect(meter.every((one) => one.metrics.energy_interval_wh === undefined)).toBe(true)
  })
})

describe('an inverter that sleeps', () => {
  it('measures nothing where every value is null', () => {
    const empty = { Unit: 'W', Value: null }
    const { readings } = decode({ Head: head, Body: { Data: { PAC: empty, DAY_ENERGY: { Unit: 'Wh', Value: null } } } })
    expect(readings).toEqual([])
  })
  it('still tells its state', () => {
    const { readings } = decode({ Head: head, Body: { Data: { DeviceStatus: { StatusCode: 13, ErrorCode: 0 } } } })
    expect(readings).toMatchObject([{ device: 'inverter/1', status: 'sleeping', faults: [], metrics: {} }])
  })
  it('is not in the answer of a logger that cannot reach it', () => {
    const { readings } = decode({
      Head: { ...head, Status: { Code: 12, Reason: 'DeviceNotAvailable' } },
      Body: { Data: {} },
    })
    expect(readings).toEqual([])
  })
})

it('reads all inverters of a system answer, each with what it has', () => {
  const { readings } = decode({
    Head: { ...head, RequestArguments: { Scope: 'System' } },
    Body: {
      Data: {
        PAC: { Unit: 'kW', Values: { '1': 1.5, '2': null } },
        TOTAL_ENERGY: { Unit: 'MWh', Values: { '1': 12.345678, '2': 7 } },
      },
    },
  })
  expect(readings.map((one) => [one.device, one.metrics])).toEqual([
    ['inverter/1', { ac_power_w: 1500, energy_total_wh: 12_345_678 }],
    ['inverter/2', { energy_total_wh: 7_000_000 }],
  ])
})

it('takes a meter in the consumption path as the load', () => {
  const { readings } = decode({
    Head: head,
    Body: {
      Data: {
        '0': {
          Details: { Serial: '1' },
          Meter_Location_Current: 1,
          PowerReal_P_Sum: -2216.7,
          EnergyReal_WAC_Sum_Consumed: 5,
        },
      },
    },
  })
  expect(readings).toMatchObject([{ device: 'meter:1', metrics: { load_power_w: 2216.7 } }])
  expect(readings[0]?.metrics.import_total_wh).toBeUndefined()
})

it('takes a daily sum as the day counter at the end of that day, not as one more interval', () => {
  const { readings } = decode({
    Head: { ...head, RequestArguments: { SeriesType: 'DailySum' } },
    Body: {
      Data: {
        'inverter/1': {
          Start: '2026-05-30T00:00:00+02:00',
          Data: {
            EnergyReal_WAC_Sum_Produced: { Unit: 'Wh', Values: { '0': 20_000, '86400': 15_587.78, '172800': 900 } },
            InverterErrors: { Values: null },
          },
        },
      },
    },
  })
  expect(readings.map((one) => [new Date(one.ts).toISOString(), one.metrics])).toEqual([
    ['2026-05-30T21:59:59.000Z', { energy_day_wh: 20_000 }],
    ['2026-05-31T21:59:59.000Z', { energy_day_wh: 15_587.78 }],
    ['2026-06-01T10:00:00.000Z', { energy_day_wh: 900 }],
  ])
})

it('says that keys are no seconds once, not a thousand times', () => {
  const values = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key${i}`, i]))
  const { readings, rejected } = decode({
    Head: head,
    Body: {
      'inverter/1': { Start: '2026-06-01T00:00:00+02:00', Data: { EnergyReal_WAC_Sum_Produced: { Values: values } } },
    },
  })
  expect(readings).toEqual([])
  expect(rejected?.length).toBeLessThan(25)
})

describe('history of the cloud', () => {
  const entry = (when: object, channels: Record<string, unknown>) => ({
    ...when,
    channels: Object.entries(channels).map(([channelName, value]) => ({
      channelName,
      channelType: 'Energy',
      unit: 'Wh',
      value,
    })),
  })
  const history = (data: unknown[], timezone?: string, deviceId: string | null = null) =>
    fronius
      .decode(
        {
          body: new TextEncoder().encode(JSON.stringify({ pvSystemId: 'a-b', deviceId, data })),
          transport: 'poll',
          receivedAt,
          ...(timezone !== undefined && { timezone }),
        },
        { inverters: {}, last: {} },
      )
      .readings.map((one) => [one.device, new Date(one.ts).toISOString(), one.metrics])

  it('has intervals by system and by inverter', () => {
    const interval = { logDateTime: '2016-09-13T10:00:00Z', logDuration: 300 }
    expect(history([entry(interval, { EnergyProductionTotal: 120.5, EnergyOutput: 118, EnergyFeedIn: 80 })])).toEqual([
      ['pvsystem/a-b', '2016-09-13T10:00:00.000Z', { energy_interval_wh: 120.5, interval_s: 300 }],
    ])
    expect(history([entry(interval, { EnergyExported: 12.4 })], undefined, 'inv-1')).toEqual([
      ['inv-1', '2016-09-13T10:00:00.000Z', { energy_interval_wh: 12.4, interval_s: 300 }],
    ])
    expect(history([entry(interval, { EnergyProductionTotal: null, EnergyFeedIn: 80 })])).toEqual([])
  })
  it('has days as the day counter, and no counter for longer sums', () => {
    const sums = ['2016-09-12', '2016-09-13', '2016-09', '2016', 'total'].map((logDateTime) =>
      entry({ logDateTime }, { EnergyProductionTotal: 12_000 }),
    )
    expect(history(sums, 'Europe/Vienna')).toEqual([
      ['pvsystem/a-b', '2016-09-12T20:59:59.000Z', { energy_day_wh: 12_000 }],
      ['pvsystem/a-b', '2016-09-13T20:59:59.000Z', { energy_day_wh: 12_000 }],
    ])
    expect(history(sums)).toEqual([])
  })
  it('measures nothing in the lists of systems and devices', () => {
    expect(decode({ pvSystems: [{ pvSystemId: 'a-b', peakPower: 5000 }], links: {} }).readings).toEqual([])
    expect(decode({ devices: [{ deviceId: 'inv-1', deviceType: 'Inverter' }] }).readings).toEqual([])
  })
})
