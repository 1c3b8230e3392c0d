/** The charts of a site: what is told of inverters, strings, hours and years, with clocks that change and zones of half hours. */
import { describe, expect, it } from 'vitest'
import { DAY, HOUR, startOfDay } from '../format/times.ts'
import { NO_COLORS } from './colors.ts'
import { againstText, comparisonChart, siteAgainst, standings, type ComparedDevice } from './comparison.ts'
import { energyBars, energyChart, yearBefore } from './energy.ts'
import { heatCells, heatChart, heatColor } from './heat.ts'
import { legendPlaces } from './picture.ts'
import { powerChart, type PowerChartInput } from './power.ts'
import { stringsChart, stringValue } from './strings.ts'

const colors = { ...NO_COLORS, bad: 'bad', series: ['s1', 's2'], heat: ['h0', 'h1', 'h2'] }
const zone = 'Europe/Berlin'
const from = startOfDay('2026-06-21', zone)
const base = { zone, locale: 'en', colors, width: 800, nights: [] }
interface Drawn {
  series: {
    id: string
    data: [number, number | null][]
    lineStyle: { color: string; type?: string }
    xAxisIndex?: number
  }[]
  xAxis: unknown
  yAxis: { axisLabel: { formatter: (row: number) => string } }
}

describe('inverters beside each other', () => {
  const device = (name: string, peakPowerW: number | null, energyWh: number | null, avg = 0): ComparedDevice => ({
    deviceId: name,
    name,
    peakPowerW,
    energyWh,
    points: avg > 0 ? [{ ts: from + 12 * HOUR, avg }] : [],
  })
  const window = { ...base, from, to: from + DAY, stepMs: 300_000 }
  it('are told by their own rating, worst first, against the median of the others', () => {
    const found = standings([
      device('big', 20_000, 100_000),
      device('small', 5_000, 25_000),
      device('weak', 10_000, 40_000),
      device('unrated', null, 9_000),
      device('silent', 8_000, null),
    ])
    expect(found.map(({ name, low }) => [name, low])).toEqual([
      ['weak', true],
      ['big', false],
      ['small', false],
      ['unrated', false],
      ['silent', false],
    ])
    expect(found[0]!.deviation).toBeCloseTo(-0.2, 9)
    expect(found.at(-1)!.deviation).toBeNull()
  })
  it('are not judged at dawn, when a step of a counter is much of what there is', () => {
    const found = standings([device('a', 5_000, 20), device('b', 5_000, 10)])
    expect(found.map(({ deviation, low }) => [deviation, low])).toEqual([
      [null, false],
      [null, false],
    ])
  })
  it('say nothing of one that has no peers', () => {
    expect(standings([device('alone', 5_000, 20_000)])[0]).toMatchObject({ deviation: null, low: false, yieldHours: 4 })
  })
  it('are drawn in kW per kWp; without a rating there is nothing to compare by', () => {
    const input = { ...window, neighbours: null }
    const model = comparisonChart({
      ...input,
      devices: [device('a', 10_000, 50_000, 5_000), device('b', 20_000, 100_000, 10_000)],
    })
    const drawn = model.option as unknown as Drawn
    expect(drawn.series.map(({ data }) => data[0]![1])).toEqual([0.5, 0.5])
    expect(model.table.csv.rows[0]!.slice(1)).toEqual([0.5, 0.5])
    expect(model.summary).toContain('None is notably below')
    expect(comparisonChart({ ...input, devices: [device('x', null, 5, 5)] })).toMatchObject({ empty: true })
  })
  it('of few, each has a colour of its own, whoever falls behind', () => {
    const { legend, option } = comparisonChart({
      ...window,
      neighbours: null,
      devices: [device('a', 10_000, 50_000, 5_000), device('b', 10_000, 0, 1)],
    })
    expect(legend?.map(({ color }) => color)).toEqual(['s1', 's2'])
    expect((option as unknown as Drawn).series.map(({ lineStyle }) => lineStyle.color)).toEqual(['s1', 's2'])
  })
  it('of many, only those that fall behind get a colour', () => {
    const many = Array.from({ length: 5 }, (_, index) =>
      device(`n${String(index)}`, 10_000, index === 3 ? 20_000 : 50_000, 4_000),
    )
    const model = comparisonChart({ ...window, neighbours: null, devices: many })
    const drawn = model.option as unknown as Drawn
    expect(drawn.series.filter(({ lineStyle }) => lineStyle.color === 's1').map(({ id }) => id)).toEqual(['n3'])
    expect(model.summary).toContain('n3 by 60 %')
  })
  it('stand against what is usual around the site, in the curve, the tooltip, the table and a sentence', () => {
    const neighbours = { sites: 3, withinKm: 25, yieldHours: 5, points: [{ ts: from + 12 * HOUR, avg: 0.8 }] }
    const devices = [device('a', 10_000, 40_000, 5_000), device('unrated', null, 90_000)]
    expect(siteAgainst(devices, neighbours)).toEqual({ yieldHours: 4, deviation: 4 / 5 - 1 })
    const model = comparisonChart({ ...window, devices, neighbours })
    const around = (model.option as unknown as Drawn).series.at(-1)!
    expect([around.id, around.data[0]![1], around.lineStyle.type]).toEqual(['neighbours', 0.8, 'dashed'])
    expect(model.legend?.at(-1)?.label).toBe('3 like sites within 25 km')
    expect(model.tooltip(from + 12 * HOUR, 0)?.rows.at(-1)).toEqual({
      label: '3 like sites within 25 km',
      value: '0.8 kW/kWp',
    })
    expect(model.table.csv.head.at(-1)).toBe('3 like sites within 25 km kw_per_kwp')
    expect(model.table.csv.rows[0]!.at(-1)).toBe(0.8)
    expect(model.summary).toContain('The site is 20 % below the middle of 3 sites within 25 km that face as it does.')
  })
  it('are not held against neighbours that made nothing, and a little more or less is in line', () => {
    const neighbours = { sites: 1, withinKm: 25, yieldHours: null, points: [] }
    expect(siteAgainst([device('a', 10_000, 40_000)], neighbours)).toBeUndefined()
    expect(siteAgainst([device('a', 10_000, 40_000)], null)).toBeUndefined()
    expect(siteAgainst([device('a', 10_000, null)], { ...neighbours, yieldHours: 4 })).toBeUndefined()
    expect(againstText(-0.01, neighbours, 'en')).toBe(
      'The site is in line with a site within 25 km that faces as it does.',
    )
    expect(againstText(0.1, neighbours, 'en')).toContain('10 % above a site')
  })
})

describe('strings', () => {
  const items = [1, 2, 3].map((input) => ({
    input,
    points: [10, 11, 12].map((hour) => ({ ts: from + hour * HOUR, voltage_v: 600, current_a: input === 2 ? 0 : 8 })),
  }))
  it('show currents, and the dead one stands out by colour and line', () => {
    const model = stringsChart({ ...base, from, to: from + DAY, answer: { stepMs: HOUR, items, dead: [2] } })
    const drawn = model.option as unknown as Drawn
    expect(drawn.series[1]!.lineStyle).toMatchObject({ color: 'bad', type: 'dashed' })
    expect(model.summary).toBe('Current of 3 strings. String 2 gives nothing while the others produce.')
    expect(model.tooltip(from + 11 * HOUR, 0)?.rows).toContainEqual({ label: 'String 2', value: '0 A' })
    expect(model.table.csv.head).toEqual(['ts', 'string_1_a', 'string_2_a', 'string_3_a'])
  })
  it('show what there is: powers without currents, and a gap as a gap', () => {
    const powers = [{ input: 1, points: [0, 1, 9].map((hour) => ({ ts: from + hour * HOUR, power_w: 1500 })) }]
    expect(stringValue(powers).unit).toBe('W')
    const drawn = stringsChart({ ...base, from, to: from + DAY, answer: { stepMs: HOUR, items: powers, dead: [] } })
      .option as unknown as Drawn
    expect(drawn.series[0]!.data.map(([, value]) => value)).toEqual([1500, 1500, null, 1500])
  })
})

describe('the heat map', () => {
  const hours = (start: number, count: number) => ({
    metric: 'energy_wh',
    unit: 'Wh',
    points: Array.from({ length: count }, (_, index) => ({ ts: start + index * HOUR, sum: 100 + index })),
  })
  it('of a day of 23 hours lacks the hour that the clock left out', () => {
    const start = startOfDay('2026-03-29', zone)
    const cells = heatCells(hours(start, 23), zone)
    expect(cells).toHaveLength(23)
    expect(new Set(cells.map(({ date }) => date))).toEqual(new Set(['2026-03-29']))
    expect(cells.some(({ minute }) => minute === 120)).toBe(false)
  })
  it('of a day of 25 hours tells the mean of the hour that came twice', () => {
    const start = startOfDay('2026-10-25', zone)
    const cells = heatCells(hours(start, 25), zone)
    expect(cells).toHaveLength(24)
    const twice = cells.find(({ minute }) => minute === 120)!
    expect(twice).toMatchObject({ hours: 2, wh: 102 + 103 })
    const model = heatChart({ dates: ['2026-10-25'], cells, locale: 'en', colors, width: 600 })
    expect(model.tooltip(0, 2)).toMatchObject({
      rows: [{ value: '102.5 Wh' }],
      note: expect.stringContaining('twice') as string,
    })
  })
  it('of a half-hour zone begins its hours at the half', () => {
    const india = 'Asia/Kolkata'
    const start = startOfDay('2026-06-21', india) + HOUR / 2
    const cells = heatCells(hours(start, 3), india)
    expect(cells.map(({ minute }) => minute)).toEqual([30, 90, 150])
    const model = heatChart({ dates: ['2026-06-21'], cells, locale: 'en', colors, width: 600 })
    const { axisLabel } = (model.option as unknown as Drawn).yAxis
    expect([0, 1].map((row) => axisLabel.formatter(row))).toEqual(['00:30', '01:30'])
  })
  it("of a place east of the date line has that place's days", () => {
    const far = 'Pacific/Kiritimati'
    const cells = heatCells(hours(startOfDay('2026-06-21', far), 24), far)
    expect(new Set(cells.map(({ date }) => date))).toEqual(new Set(['2026-06-21']))
  })
  it('mixes its colours between the stops', () => {
    const stops = ['rgb(0, 0, 0)', 'rgb(100, 0, 0)', 'rgb(100, 200, 0)']
    expect([0, 0.25, 0.5, 1, 7].map((share) => heatColor(stops, share))).toEqual([
      'rgb(0, 0, 0)',
      'rgb(50, 0, 0)',
      'rgb(100, 0, 0)',
      'rgb(100, 200, 0)',
      'rgb(100, 200, 0)',
    ])
    expect(heatColor(['oklab(1 0 0)', 'red'], 0.6)).toBe('red')
  })
  it('without data says so', () => {
    const model = heatChart({ dates: ['2026-06-21'], cells: [], locale: 'en', colors, width: 600 })
    expect(model).toMatchObject({ empty: true })
    expect(model.summary).toContain('no data')
  })
})

it('energy without a bar names no unit: there is nothing that it could stand beside', () => {
  const input = { step: 'day', today: '2026-03-01', locale: 'en', colors, width: 600 } as const
  const bar = (sumWh: number | null) => ({ date: '2026-03-01', sumWh })
  expect(energyChart({ ...input, bars: [bar(null)] })).toMatchObject({ empty: true, option: { yAxis: { name: '' } } })
  expect(energyChart({ ...input, bars: [bar(5000)] })).toMatchObject({ option: { yAxis: { name: 'kWh' } } })
})

describe('energy with the year before', () => {
  const dates = ['2026-02-27', '2026-02-28', '2026-03-01']
  const bars = dates.map((date, index) => ({ date, sumWh: index === 1 ? null : 1000 * (index + 1) }))
  it('puts the same days of the year before behind, and leaves out a leap day', () => {
    expect(dates.map(yearBefore)).toEqual(['2025-02-27', '2025-02-28', '2025-03-01'])
    expect(yearBefore('2028-02-29')).toBeUndefined()
    const before = [
      { date: '2025-02-27', sumWh: 500 },
      { date: '2025-02-28', sumWh: 700 },
      { date: '', sumWh: null },
    ]
    const model = energyChart({ bars, before, step: 'day', today: '2026-03-01', locale: 'en', colors, width: 600 })
    const drawn = model.option as unknown as Drawn
    expect(drawn.series.map(({ id }) => id)).toEqual(['before', 'energy'])
    expect(model.table.csv).toMatchObject({
      head: ['date', 'energy_wh', 'energy_year_before_wh'],
      rows: [
        ['2026-02-27', 1000, 500],
        ['2026-02-28', '', 700],
        ['2026-03-01', 3000, ''],
      ],
    })
    expect(model.summary).toContain('A year before: 1.20 kWh')
  })
  it('shows none where nothing is known of it', () => {
    const before = bars.map(({ date }) => ({ date, sumWh: null }))
    const model = energyChart({ bars, before, step: 'day', today: '2026-03-01', locale: 'en', colors, width: 600 })
    expect((model.option as unknown as Drawn).series.map(({ id }) => id)).toEqual(['energy'])
  })
  it('adds months up to years', () => {
    const points = ['2025-11-01', '2025-12-01', '2026-01-01'].map((date, index) => ({ ts: date, date, sum: index + 1 }))
    const years = energyBars({ metric: 'energy_wh', unit: 'Wh', points }, ['2025-01-01', '2026-01-01'], 'year')
    expect(years.map(({ sumWh }) => sumWh)).toEqual([3, 3])
  })
})

describe('the power curve of a site', () => {
  const points = Array.from({ length: 12 }, (_, index) => ({
    ts: from + (10 + index / 12) * HOUR,
    avg: 5000,
    min: 5000,
    max: 5000,
  }))
  const input: PowerChartInput = {
    ...base,
    from,
    to: from + DAY,
    label: 'AC power',
    unit: 'W',
    bucket: '5m',
    points,
    alarms: [],
    expected: points.map(({ ts }) => ({ ts, avg: 6000, low: 5500, high: 6500 })),
    expectedFrom: 'healthy sites nearby',
    clearSky: [{ ts: from + 10 * HOUR, avg: 9000 }],
    states: [
      { from: from + 10 * HOUR, to: from + 10.5 * HOUR, state: 'curtailed' },
      { from: from + 10.5 * HOUR, to: from + 11 * HOUR, state: 'under' },
    ],
  }
  const model = powerChart(input)
  it('tints what held it back and says for how long', () => {
    expect(model.legend?.map(({ label }) => label)).toEqual([
      'AC power',
      'Expected',
      'Clear sky',
      'Held back by a limit',
    ])
    expect(model.summary).toContain('Under what is expected for 30 min.')
    expect(model.summary).toContain('Held back by a limit for 30 min.')
  })
  it('tells in its tooltip what the expectation rests on', () => {
    const told = model.tooltip(from + 10 * HOUR, 0)
    expect(told?.rows).toContainEqual({ label: 'Expected', value: '5,500 to 6,500 W' })
    expect(told?.note).toBe('Held back by a limit · expected by healthy sites nearby · mean of 5m')
  })
  it('gives exactly that in the table and in the file', () => {
    expect(model.table.csv.head).toEqual([
      'ts',
      'avg_w',
      'min_w',
      'max_w',
      'expected_low_w',
      'expected_high_w',
      'state',
    ])
    expect(model.table.csv.rows[0]).toEqual([
      new Date(points[0]!.ts).toISOString(),
      5000,
      5000,
      5000,
      5500,
      6500,
      'curtailed',
    ])
    expect(model.table.rows).toHaveLength(12)
  })
  it('has a value for expected times without data, never a zero', () => {
    const late = powerChart({ ...input, points: [], clearSky: [], states: [] })
    expect(late.table.rows[0]!.slice(1, 4)).toEqual(['no data', 'no data', 'no data'])
    expect(late.empty).toBe(true)
  })
})

it('a legend that is too long goes on below', () => {
  expect(legendPlaces([50, 60, 40], 120)).toEqual([
    { x: 0, row: 0 },
    { x: 50, row: 0 },
    { x: 0, row: 1 },
  ])
})
