/** The power curve of a site or device: actual as area, expected as band, night shaded, alarms as marks, gaps as gaps. */
import { CHART_FONT } from './font.ts'
import { exact, figureText, onScale, scaleFor, share } from '../format/numbers.ts'
import { dateTime, exactTime, span } from '../format/times.ts'
import { gapTime, nearest, pointDistance, withGaps, type GaugePoint } from './series.ts'
import { tickLabel, timeTicks } from './time-axis.ts'
import type { ChartColors, ChartModel, Interval } from './types.ts'

export interface AlarmMark {
  id: string
  ts: number
  message: string
}
export interface PowerChartInput {
  /** UTC milliseconds; `to` exclusive. */
  from: number
  to: number
  zone: string
  locale: string
  label: string
  unit: string
  bucket: string
  points: readonly GaugePoint[]
  /** Where an expectation is known: its lower and upper value. */
  expected?: readonly { ts: number; low: number; high: number }[]
  nights: readonly Interval[]
  alarms: readonly AlarmMark[]
  /** Where the figure comes from: meter, inverters or gateway. */
  source?: string | null | undefined
  coverage?: number | null | undefined
  colors: ChartColors
  /** Width of the drawing in pixels: decides how many ticks fit. */
  width: number
}

export function powerChart(input: PowerChartInput): ChartModel {
  const { from, to, zone, locale, points, colors, unit } = input
  const distance = pointDistance(points, input.bucket)
  const largest = points.reduce((most, point) => Math.max(most, Math.abs(point.max), Math.abs(point.min)), 0)
  const scale = scaleFor(largest, unit)
  const ticks = timeTicks(from, to, zone, Math.max(2, Math.floor(input.width / 76)))
  const curve = withGaps(points, distance).map((point) => ('gap' in point ? [point.ts, null] : [point.ts, point.avg]))
  const expected = input.expected ?? []
  const band = expected.length > 0 ? bandSeries(expected, distance, colors) : []

  const option = {
    animation: false,
    grid: { left: 8, right: 12, top: 28, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    textStyle: { fontFamily: CHART_FONT },
    xAxis: {
      type: 'value',
      min: from,
      max: to,
      axisLine: { lineStyle: { color: colors.line } },
      axisTick: { show: true, customValues: ticks, lineStyle: { color: colors.line } },
      axisLabel: {
        color: colors.inkDim,
        hideOverlap: true,
        customValues: ticks,
        formatter: (ts: number) => tickLabel(ts, zone, locale),
      },
      splitLine: { show: false },
      axisPointer: {
        show: true,
        type: 'line',
        snap: false,
        lineStyle: { color: colors.inkDim },
        label: { show: false },
      },
    },
    yAxis: {
      type: 'value',
      name: scale.unit,
      nameTextStyle: { color: colors.inkDim, align: 'right', padding: [0, 6, 0, 0] },
      min: (range: { min: number }) => Math.min(0, range.min),
      minInterval: unit === 'W' ? 1 : undefined,
      axisLabel: { color: colors.inkDim, formatter: (value: number) => onScale(value, scale, locale) },
      splitLine: { lineStyle: { color: colors.line } },
    },
    dataZoom: [
      {
        type: 'inside',
        xAxisIndex: 0,
        filterMode: 'none',
        zoomOnMouseWheel: 'ctrl',
        moveOnMouseWheel: false,
        minValueSpan: 600_000,
      },
    ],
    series: [
      ...band,
      {
        id: 'actual',
        type: 'line',
        name: input.label,
        data: curve,
        showSymbol: points.length === 1,
        connectNulls: false,
        sampling: 'minmax',
        lineStyle: { color: colors.power, width: 1.6 },
        itemStyle: { color: colors.power },
        areaStyle: { color: colors.power, opacity: 0.2, origin: 0 },
        emphasis: { disabled: true },
        markArea: {
          silent: true,
          itemStyle: { color: colors.night },
          data: input.nights.map((night) => [{ xAxis: night.from }, { xAxis: night.to }]),
        },
        markLine: {
          symbol: ['none', 'triangle'],
          symbolSize: 9,
          symbolRotate: 180,
          label: { show: false },
          lineStyle: { color: colors.bad, type: 'dashed', width: 1 },
          data: input.alarms
            .filter((alarm) => alarm.ts >= from && alarm.ts < to)
            .map((alarm) => ({ xAxis: alarm.ts, name: alarm.message, alarmId: alarm.id })),
        },
      },
    ],
  }

  return {
    option,
    empty: points.length === 0,
    summary: summary(input, distance),
    tooltip: (x) => tooltip(input, x, distance),
    table: {
      columns: [
        { title: 'Time' },
        { title: `${input.label}, ${scale.unit}`, align: 'end' },
        { title: 'Lowest', align: 'end' },
        { title: 'Highest', align: 'end' },
      ],
      rows: points.map((point) => [
        dateTime(point.ts, zone, locale),
        onScale(point.avg, scale, locale),
        onScale(point.min, scale, locale),
        onScale(point.max, scale, locale),
      ]),
      csv: {
        head: ['ts', `avg_${unit.toLowerCase()}`, `min_${unit.toLowerCase()}`, `max_${unit.toLowerCase()}`],
        rows: points.map((point) => [new Date(point.ts).toISOString(), point.avg, point.min, point.max]),
      },
    },
  }
}

/** The expectation from low to high: an invisible line and what lies on top of it. */
function bandSeries(
  expected: readonly { ts: number; low: number; high: number }[],
  distance: number,
  colors: ChartColors,
) {
  const cut = withGaps(expected, distance)
  const line = {
    type: 'line',
    stack: 'expected',
    symbol: 'none',
    silent: true,
    lineStyle: { opacity: 0 },
    emphasis: { disabled: true },
  }
  return [
    {
      ...line,
      id: 'expected-low',
      data: cut.map((point) => ('gap' in point ? [point.ts, null] : [point.ts, point.low])),
    },
    {
      ...line,
      id: 'expected',
      name: 'Expected',
      areaStyle: { color: colors.band, opacity: 0.25 },
      data: cut.map((point) => ('gap' in point ? [point.ts, null] : [point.ts, point.high - point.low])),
    },
  ]
}

function tooltip(input: PowerChartInput, x: number, distance: number) {
  const { zone, locale, unit } = input
  const point = nearest(input.points, x, distance * 1.5)
  if (!point) {
    return {
      title: exactTime(x, zone, locale),
      rows: [{ label: input.label, value: 'no data' }],
      note: input.nights.some((night) => x >= night.from && x < night.to) ? 'Night' : undefined,
    }
  }
  const rows = [{ label: input.label, value: exact(point.avg, unit, locale) }]
  if (point.min !== point.max)
    rows.push({
      label: 'Lowest to highest',
      value: `${exact(point.min, '', locale)} to ${exact(point.max, unit, locale)}`,
    })
  const expected = input.expected ? nearest(input.expected, x, distance * 1.5) : undefined
  if (expected)
    rows.push({
      label: 'Expected',
      value: `${exact(expected.low, '', locale)} to ${exact(expected.high, unit, locale)}`,
    })
  return { title: exactTime(point.ts, zone, locale), rows, note: input.source ? `From ${input.source}` : undefined }
}

function summary(input: PowerChartInput, distance: number): string {
  const { points, zone, locale, unit } = input
  const range = `${input.label} from ${dateTime(input.from, zone, locale)} to ${dateTime(input.to, zone, locale)}`
  if (points.length === 0) return `${range}: no data.`
  const top = points.reduce((best, point) => (point.max > best.max ? point : best))
  const last = points[points.length - 1]!
  const missing = gapTime(points, distance)
  return [
    `${range}.`,
    `Highest ${figureText(top.max, unit, locale)} at ${dateTime(top.ts, zone, locale)}.`,
    `Last value ${figureText(last.avg, unit, locale)} at ${dateTime(last.ts, zone, locale)}.`,
    missing > 0 ? `No data for ${span(missing)} in between.` : '',
    input.coverage === null || input.coverage === undefined
      ? ''
      : `${share(input.coverage, locale)} of the expected readings are there.`,
  ]
    .filter(Boolean)
    .join(' ')
}
