/**
 * Figures of recorded plants: what others computed of their files comes out of `heliograph kpi` after `heliograph import`.
 * Energy from power is the sum of power times interval; negative power counts as zero.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api } from '../line/api.ts'
import { Instance } from '../line/instance.ts'
import { good } from './command.ts'

const FIGURES = new URL('./figures/', import.meta.url).pathname

interface Plant {
  name: string
  file: string
  timezone: string
  peakPowerW?: number
  time: string
  timeFormat?: string
  /** Serial of each device, and the columns it is in. */
  devices: Record<string, { kind: 'inverter' | 'meter' | 'weather'; map: string }>
  from: string
  to: string
  rows: number
  bad?: number
  figures: {
    energyKwh: number
    peakKw?: number
    insolationKwhM2?: number
    performanceRatio?: number
    days?: Record<string, number>
    daysWithData?: number
    readings?: number
  }
}
const inverter = (map: string) => ({ kind: 'inverter', map }) as const
const RSF = {
  file: 'nrel_RSF_II.csv.gz',
  timezone: 'America/Denver',
  time: '',
  timeFormat: 'M/d/yyyy H:mm',
  from: '2022-01-02',
  to: '2022-01-07',
  rows: 480,
}
/** Its times say how far they are from UTC; days are those of standard time. */
const SERF = { timezone: 'Etc/GMT+7', time: 'measured_on' }
const SANDIA = {
  file: 'Baseline6kW_2015_11_11.dat.gz',
  // Standard time all the year.
  timezone: 'Etc/GMT+7',
  time: 'TIMESTAMP',
  timeFormat: 'M/d/yyyy H:mm',
  from: '2015-11-11',
  to: '2015-11-12',
  rows: 1_351,
}
const SANDIA_SUN = { kind: 'weather', map: 'POAIrrad1_Avg=irradiance_wm2' } as const
const CAPTEST = {
  file: 'example_measured_data.csv.gz',
  timezone: 'UTC',
  peakPowerW: 6_000_000,
  time: '',
  from: '1990-10-09',
  to: '1990-10-14',
  rows: 1_440,
}
const PLANTS: readonly Plant[] = [
  {
    ...RSF,
    name: 'NREL RSF II',
    devices: {
      Roof: inverter('ac_power_kw_1137=ac_power_w:kW'),
      Sun: { kind: 'weather', map: 'poa_irradiance__1055=irradiance_wm2' },
    },
    figures: { energyKwh: 3_696.64, peakKw: 207.5, insolationKwhM2: 12.188 },
  },
  {
    ...RSF,
    name: 'NREL RSF II, inverter 2',
    devices: { Second: inverter('inv2_ac_power_w__1047=ac_power_w') },
    figures: { energyKwh: 1_455.89 },
  },
  {
    ...SERF,
    name: 'NREL SERF East, 15 minutes',
    file: 'serf_east_15min_ac_power.csv.gz',
    devices: { East: inverter('ac_power=ac_power_w') },
    from: '2016-07-01',
    to: '2016-10-14',
    rows: 10_000,
    figures: { energyKwh: 2_941.91, peakKw: 5.4264 },
  },
  {
    ...SERF,
    name: 'NREL SERF East, 1 minute',
    file: 'serf_east_1min_ac_power.csv.gz',
    devices: { East: inverter('ac_power__752=ac_power_w') },
    from: '2022-03-18',
    to: '2022-03-20',
    rows: 2_607,
    figures: { energyKwh: 33.695 + 35.585, days: { '2022-03-18': 33.695, '2022-03-19': 35.585 }, readings: 2_607 },
  },
  {
    ...SANDIA,
    name: 'Sandia, system 1',
    peakPowerW: 2_872.88,
    devices: { One: inverter('Sys1Wac_Avg=ac_power_w'), Sun: SANDIA_SUN },
    figures: { energyKwh: 17.2265, insolationKwhM2: 6.1517, performanceRatio: 0.9747 },
  },
  {
    ...SANDIA,
    name: 'Sandia, system 2',
    peakPowerW: 2_872.88,
    devices: { Two: inverter('Sys2Wac_Avg=ac_power_w'), Sun: SANDIA_SUN },
    figures: { energyKwh: 17.9587, insolationKwhM2: 6.1517, performanceRatio: 1.0161 },
  },
  {
    ...SANDIA,
    name: 'Sandia, both',
    peakPowerW: 2 * 2_872.88,
    devices: {
      One: inverter('Sys1Wac_Avg=ac_power_w'),
      Two: inverter('Sys2Wac_Avg=ac_power_w'),
      Sun: SANDIA_SUN,
    },
    figures: { energyKwh: 17.2265 + 17.9587, performanceRatio: 0.9954 },
  },
  {
    ...CAPTEST,
    name: 'pvcaptest, meter',
    devices: {
      Meter: { kind: 'meter', map: 'meter_power=ac_power_w' },
      Sun: { kind: 'weather', map: 'met1_poa_pyranometer=irradiance_wm2' },
    },
    figures: { energyKwh: 184_220, peakKw: 5_910, insolationKwhM2: 30.615, performanceRatio: 1.003 },
  },
  {
    ...CAPTEST,
    name: 'pvcaptest, inverters',
    devices: {
      ...Object.fromEntries(
        Array.from({ length: 8 }, (_, index) => [
          `Inverter ${index + 1}`,
          inverter(`inv${index + 1}_power=ac_power_w`),
        ]),
      ),
      Sun: { kind: 'weather', map: 'met1_poa_refcell=irradiance_wm2' },
    },
    figures: { energyKwh: 192_665, insolationKwhM2: 30.81 },
  },
  {
    name: 'one inverter with gaps and sentinels',
    file: 'TAEFC1044741.csv.gz',
    timezone: 'UTC',
    time: 'ts',
    devices: { Only: inverter('meas_val_f=ac_power_w:kW') },
    from: '2016-03-01',
    to: '2017-08-01',
    rows: 34_582,
    bad: 3,
    figures: { energyKwh: 6_993.6, peakKw: 7.032, days: { '2016-06-16': 44.13 }, daysWithData: 218 },
  },
]

interface Kpi {
  rows: number
  method: string
  energyWh: number
  peakAcPowerW: number
  insolationWhM2?: number
  performanceRatio?: number
  coverage: number
  days: { date: string; energyWh: number; coverage: number }[]
}

/** To as many digits as were published; some were rounded, some cut off. */
function expectNear(what: string, got: number | undefined, published: number): void {
  const [, decimals = ''] = String(published).split('.')
  const within = 1.000001 * 10 ** -decimals.length
  expect(Math.abs((got ?? Number.NaN) - published), `${what}: ${String(got)} is not ${published}`).toBeLessThan(within)
}

describe('figures of recorded plants', { timeout: 300_000 }, () => {
  let instance: Instance
  let api: Api
  beforeAll(async () => {
    instance = await Instance.start()
    api = await instance.api()
  })
  afterAll(() => instance.remove())

  it.each(PLANTS)('$name', async ({ name, file, timezone, peakPowerW, time, timeFormat, devices, ...plant }) => {
    const siteId = await api.site(undefined, { name, timezone, ...(peakPowerW && { peakPowerW }) })
    for (const [serial, { kind, map }] of Object.entries(devices)) {
      const role = kind === 'weather' ? 'irradiance' : 'production'
      await api.post('/devices', { siteId, kind, vendor: 'native', serial: `${name} ${serial}`, role })
      const ran = await good(instance.dataDir, [
        'import',
        join(FIGURES, file),
        ...['--site', siteId, '--device', `${name} ${serial}`, '--map', map, '--time', time],
        ...(timeFormat ? ['--time-format', timeFormat] : []),
      ])
      const [result] = ran.json<{ rows: number; bad: number }>()
      expect(result).toMatchObject({ rows: plant.rows, bad: plant.bad ?? 0 })
    }
    const answer = await good(instance.dataDir, [
      'kpi',
      ...['--site', siteId, '--from', plant.from, '--to', plant.to, '--json'],
    ])
    const [kpi] = answer.json<Kpi>()
    const { figures } = plant
    expect(kpi!.method).toBe('power')
    expectNear('energy', kpi!.energyWh / 1_000, figures.energyKwh)
    if (figures.peakKw) expectNear('peak', kpi!.peakAcPowerW / 1_000, figures.peakKw)
    if (figures.insolationKwhM2) expectNear('insolation', kpi!.insolationWhM2! / 1_000, figures.insolationKwhM2)
    if (figures.performanceRatio) expectNear('ratio', kpi!.performanceRatio, figures.performanceRatio)
    if (figures.readings) expect(kpi!.rows).toBe(figures.readings)
    for (const [date, kwh] of Object.entries(figures.days ?? {}))
      expectNear(date, kpi!.days.find((day) => day.date === date)!.energyWh / 1_000, kwh)
    if (figures.daysWithData)
      expect(kpi!.days.filter(({ energyWh, coverage }) => energyWh > 0 || coverage > 0)).toHaveLength(
        figures.daysWithData,
      )
  })
})
