import { describe, expect, it } from 'vitest'
import { DAY, HOUR, startOfDay } from '../format/times.ts'
import { NO_COLORS } from './colors.ts'
import { toCsv } from './csv.ts'
import { energyBars, energyChart } from './energy.ts'
import { powerChart, type PowerChartInput } from './power.ts'
import { gapTime, gaugePoints, nearest, pointDistance, withGaps } from './series.ts'
import { nights, sunElevation } from './sun.ts'
import { tickLabel, timeTicks } from './time-axis.ts'
import type { ChartColors } from './types.ts'

const colors: ChartColors = {
  ...NO_COLORS,
  power: 'e',
  band: 'f',
  energy: 'g',
  night: 'h',
  bad: 'i',
  series: ['s1', 's2', 's3'],
  heat: ['h1', 'h2', 'h3'],
}
const FIVE = 300_000
const zone = 'Europe/Berlin'
const from = startOfDay('2026-06-21', zone)

interface Drawn {
  series: {
    id: string
    data: [number, number | null][] | { value: number | null }[]
    markArea: { data: { xAxis: number }[][] }
    markLine: { data: { xAxis: number; alarmId: string }[] }
  }[]
  xAxis: { min: number; max: number; data: string[] }
  yAxis: { name: string }
}

describe('series', () => {
  it('leaves out what has no value and puts points in order', () => {
    const points = gaugePoints({
      metric: 'ac_power_w',
      unit: 'W',
      points: [
        { ts: '2026-06-21T10:05:00.000Z', avg: 2, min: 1, max: 3 },
        { ts: '2026-06-21T10:00:00.000Z', avg: 0 },
        { ts: '2026-06-21T10:10:00.000Z', avg: null },
        { ts: 'nonsense', avg: 5 },
      ],
    })
    expect(points.map(({ avg, min, max }) => [avg, min, max])).toEqual([
      [0, 0, 0],
      [2, 1, 3],
    ])
  })
  it('cuts the curve at a gap, not at one late message', () => {
    const at = [0, 1, 2, 4, 12, 13].map((step) => ({ ts: step * FIVE }))
    expect(withGaps(at, FIVE).map((point) => ('gap' in point ? 'gap' : point.ts / FIVE))).toEqual([
      0,
      1,
      2,
      4,
      'gap',
      12,
      13,
    ])
    expect(gapTime(at, FIVE)).toBe(7 * FIVE)
  })
  it('learns the distance of raw and of thinned points', () => {
    expect(
      pointDistance(
        [0, 10, 20, 300].map((s) => ({ ts: s * 1000 })),
        'raw',
      ),
    ).toBe(60_000)
    expect(
      pointDistance(
        [0, 1, 2, 3].map((s) => ({ ts: s * 900_000 })),
        '5m',
      ),
    ).toBe(900_000)
    expect(pointDistance([], '1h')).toBe(HOUR)
  })
  it('finds the nearest point or none', () => {
    const points = [0, 100, 200].map((ts) => ({ ts }))
    expect(nearest(points, 140, 50)?.ts).toBe(100)
    expect(nearest(points, 400, 50)).toBeUndefined()
    expect(nearest([], 4, 50)).toBeUndefined()
  })
})

describe('the power chart', () => {
  const points = [6, 6.5, 7, 12, 12.5].map((hour) => ({
    ts: from + hour * HOUR,
    avg: hour * 1000,
    min: hour * 900,
    max: hour * 1100,
  }))
  const input: PowerChartInput = {
    from,
    to: from + DAY,
    zone,
    locale: 'en',
    label: 'AC power',
    unit: 'W',
    bucket: '1h',
    points,
    nights: [{ from, to: from + 5 * HOUR }],
    alarms: [
      { id: 'a1', ts: from + 8 * HOUR, message: 'gone' },
      { id: 'a2', ts: from - 1, message: 'before' },
    ],
    source: 'inverters',
    coverage: 0.5,
    colors,
    width: 800,
  }
  const model = powerChart(input)
  const drawn = model.option as unknown as Drawn

  it('has the unit on its axis and covers the range asked for, not that of the data', () => {
    expect(drawn.yAxis.name).toBe('kW')
    expect([drawn.xAxis.min, drawn.xAxis.max]).toEqual([from, from + DAY])
  })
  it('draws a gap as a gap', () => {
    const actual = drawn.series.find((series) => series.id === 'actual')!
    expect((actual.data as [number, number | null][]).map(([, value]) => value)).toEqual([
      6000,
      6500,
      7000,
      null,
      12_000,
      12_500,
    ])
  })
  it('shades nights and marks the alarms of the range', () => {
    const actual = drawn.series.find((series) => series.id === 'actual')!
    expect(actual.markArea.data).toEqual([[{ xAxis: from }, { xAxis: from + 5 * HOUR }]])
    expect(actual.markLine.data.map((mark) => mark.alarmId)).toEqual(['a1'])
  })
  it('draws the expectation as a band only where there is one', () => {
    expect(drawn.series).toHaveLength(1)
    const expected = [{ ts: from + 6 * HOUR, avg: 6000, low: 5000, high: 7000 }]
    const banded = powerChart({ ...input, expected }).option as unknown as Drawn
    expect(banded.series.map((series) => series.id)).toEqual(['expected-low', 'expected', 'expected-middle', 'actual'])
    expect(banded.series[1]!.data).toEqual([[from + 6 * HOUR, 2000]])
  })
  it('tells value, spread, source and time in the zone of the site', () => {
    expect(model.tooltip(from + 6 * HOUR + 1000, 0)).toEqual({
      title: 'Jun 21, 2026, 06:00:00 GMT+2',
      rows: [
        { label: 'AC power', value: '6,000 W' },
        { label: 'Lowest to highest', value: '5,400 to 6,600 W' },
      ],
      note: 'From inverters · mean of 1h',
    })
    expect(model.tooltip(from + 2 * HOUR, 0)).toMatchObject({ rows: [{ value: 'no data' }], note: 'Night' })
  })
  it('says in words what is to be seen', () => {
    expect(model.summary).toContain('Highest 13.8 kW at Jun 21, 2026, 12:30')
    expect(model.summary).toContain('No data for 4 h in between')
    expect(model.summary).toContain('50 % of the expected readings')
    expect(powerChart({ ...input, points: [] }).summary).toContain('no data')
    expect(powerChart({ ...input, points: [] }).empty).toBe(true)
  })
  it('exports exactly what is drawn, unscaled and in UTC', () => {
    expect(model.table.csv.rows).toHaveLength(points.length)
    expect(model.table.csv.rows[0]).toEqual(['2026-06-21T04:00:00.000Z', 6000, 5400, 6600])
    expect(model.table.rows[0]).toEqual(['Jun 21, 2026, 06:00', '6', '5.4', '6.6'])
  })
})

describe('the energy chart', () => {
  const dates = ['2026-06-19', '2026-06-20', '2026-06-21']
  const bars = energyBars(
    {
      metric: 'energy_wh',
      unit: 'Wh',
      points: [
        { ts: '2026-06-18T22:00:00.000Z', date: '2026-06-19', sum: 30_000 },
        { ts: '2026-06-20T22:00:00.000Z', date: '2026-06-21', sum: 0 },
      ],
    },
    dates,
    'day',
  )
  const model = energyChart({
    bars,
    step: 'day',
    today: '2026-06-21',
    locale: 'en',
    source: 'meter',
    colors,
    width: 600,
  })

  it('has no bar where nothing is known, and a zero where a zero was measured', () => {
    expect((model.option as unknown as Drawn).series[0]!.data.map((bar) => ('value' in bar ? bar.value : 0))).toEqual([
      30_000,
      null,
      0,
    ])
    expect(model.tooltip(1, 0)?.rows[0]?.value).toBe('no data')
    expect(model.tooltip(2, 0)).toMatchObject({ rows: [{ value: '0 Wh' }], note: 'So far · From meter' })
    expect(model.summary).toContain('No data for 1 of them')
    expect(model.table.csv.rows[1]).toEqual(['2026-06-20', ''])
  })
  it('gathers months by their first day', () => {
    const months = energyBars(
      { metric: 'energy_wh', unit: 'Wh', points: [{ ts: 0, date: '2026-05-01', sum: 5 }] },
      ['2026-04-01', '2026-05-01'],
      'month',
    )
    expect(months.map((bar) => bar.sumWh)).toEqual([null, 5])
  })
})

describe('ticks', () => {
  it('stand at round wall times of the zone', () => {
    const ticks = timeTicks(from, from + DAY, zone, 9)
    expect(ticks.map((ts) => tickLabel(ts, zone, 'en'))).toEqual([
      'Jun 21',
      '03:00',
      '06:00',
      '09:00',
      '12:00',
      '15:00',
      '18:00',
      '21:00',
      'Jun 22',
    ])
  })
  it('stay at round wall times over a change of clocks', () => {
    const start = startOfDay('2026-03-29', zone)
    const ticks = timeTicks(start, startOfDay('2026-03-30', zone), zone, 5)
    expect(ticks.map((ts) => tickLabel(ts, zone, 'en'))).toEqual(['Mar 29', '06:00', '12:00', '18:00', 'Mar 30'])
    expect(ticks[1]! - ticks[0]!).toBe(5 * HOUR)
  })
  it('fit zones of half and quarter hours', () => {
    const start = startOfDay('2026-03-03', 'Asia/Kathmandu')
    expect(
      timeTicks(start, start + DAY, 'Asia/Kathmandu', 5).map((ts) => tickLabel(ts, 'Asia/Kathmandu', 'en')),
    ).toEqual(['Mar 3', '06:00', '12:00', '18:00', 'Mar 4'])
  })
})

describe('the sun', () => {
  // Sunrise and sunset of Berlin (52.52 N, 13.405 E) as published: 04:43 and 21:33 local on 21 June 2026, 08:15 and 15:54 on 21 December.
  it.each([
    ['2026-06-21', '02:43', '19:33'],
    ['2026-12-21', '07:15', '14:54'],
  ])('rises and sets in Berlin on %s', (date, rise, set) => {
    const start = startOfDay(date, zone)
    const [morning, evening] = nights(start, start + DAY, 52.52, 13.405)
    expect(Math.abs(morning!.to - Date.parse(`${date}T${rise}:00Z`))).toBeLessThan(150_000)
    expect(Math.abs(evening!.from - Date.parse(`${date}T${set}:00Z`))).toBeLessThan(150_000)
  })
  it('does not set in the northern summer, and does not rise in the northern winter', () => {
    const summer = Date.parse('2026-06-21T00:00:00Z')
    expect(nights(summer, summer + DAY, 69.65, 18.96)).toEqual([])
    const winter = Date.parse('2026-12-21T00:00:00Z')
    expect(nights(winter, winter + DAY, 69.65, 18.96)).toEqual([{ from: winter, to: winter + DAY }])
  })
  it('stands overhead at the equator at the equinox', () => {
    expect(sunElevation(Date.parse('2026-03-20T12:07:00Z'), 0, 0)).toBeGreaterThan(89)
  })
  it('is not drawn as stripes over a year', () => {
    expect(nights(0, 400 * DAY, 50, 8)).toEqual([])
  })
})

it('CSV quotes what needs it and defuses formulas', () => {
  expect(
    toCsv(
      ['a', 'b'],
      [
        ['x,"y"', 1.5],
        ['=1+1', Number.NaN],
      ],
    ),
  ).toBe('a,b\r\n"x,""y""",1.5\r\n\'=1+1,\r\n')
})
