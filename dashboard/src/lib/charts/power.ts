/**
 * The power curve of a site or device: actual as area, expected as band, the clear sky as bound, night shaded, what held the site
 * back tinted, alarms as marks, gaps as gaps.
 */
import { exact, figureText, onScale, scaleFor, share } from '../format/numbers.ts'
import { dateTime, exactTime, span } from '../format/times.ts'
import { frame, timeAxis, valueAxis, zoomable } from './frame.ts'
import { gapTime, nearest, pointDistance, withGaps, type GaugePoint } from './series.ts'
import type { ChartColors, ChartModel, Interval, LegendEntry, TooltipContent } from './types.ts'

export interface AlarmMark {
  id: string
  ts: number
  message: string
}
export interface ExpectedPoint {
  ts: number
  avg: number
  low: number
  high: number
}
/** When the site was at its limit, held back, under its expectation or out of contact. */
export interface StateMark extends Interval {
  state: 'clipped' | 'curtailed' | 'under' | 'no-contact'
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
  /** Where an expectation is known, and what it rests on. */
  expected?: readonly ExpectedPoint[]
  expectedFrom?: string | undefined
  /** What a clear sky would give: a bound, never an expectation. */
  clearSky?: readonly { ts: number; avg: number }[]
  states?: readonly StateMark[]
  nights: readonly Interval[]
  alarms: readonly AlarmMark[]
  /** Where the figure comes from: meter, inverters or gateway. */
  source?: string | null | undefined
  coverage?: number | null | undefined
  colors: ChartColors
  /** Width of the drawing in pixels: decides how many ticks fit. */
  width: number
}

export const STATE_WORDS: Readonly<Record<StateMark['state'], string>> = {
  clipped: 'At the limit of the inverters',
  curtailed: 'Held back by a limit',
  under: 'Under what is expected',
  'no-contact': 'No contact',
}

export function powerChart(input: PowerChartInput): ChartModel {
  const { from, to, locale, points, colors, unit } = input
  const { expected = [], clearSky = [], states = [] } = input
  const distance = pointDistance(points, input.bucket)
  const largest = Math.max(
    points.reduce((most, point) => Math.max(most, Math.abs(point.max), Math.abs(point.min)), 0),
    expected.reduce((most, point) => Math.max(most, point.high), 0),
    clearSky.reduce((most, point) => Math.max(most, point.avg), 0),
  )
  const scale = scaleFor(largest, unit)
  const curve = withGaps(points, distance).map((point) => ('gap' in point ? [point.ts, null] : [point.ts, point.avg]))
  const tinted = states.filter((one): one is StateMark & { state: 'clipped' | 'curtailed' } =>
    ['clipped', 'curtailed'].includes(one.state),
  )

  const option = {
    ...frame,
    xAxis: timeAxis(input),
    yAxis: { ...valueAxis(scale, input), minInterval: unit === 'W' ? 1 : undefined },
    dataZoom: [zoomable],
    series: [
      ...(expected.length > 0 ? bandSeries(expected, distance, colors) : []),
      ...(clearSky.length > 0
        ? [
            {
              ...silentLine,
              id: 'clear-sky',
              name: 'Clear sky',
              data: clearSky.map(({ ts, avg }) => [ts, avg]),
              lineStyle: { color: colors.inkDim, width: 1, type: 'dotted' },
            },
          ]
        : []),
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
          data: [
            ...input.nights.map((night) => [{ xAxis: night.from }, { xAxis: night.to }]),
            ...tinted.map((one) => [
              { xAxis: Math.max(one.from, from), itemStyle: { color: colors[one.state] } },
              { xAxis: Math.min(one.to, to) },
            ]),
          ],
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
  const legend: LegendEntry[] = [{ label: input.label, color: colors.power, shape: 'area' }]
  if (expected.length > 0) legend.push({ label: 'Expected', color: colors.band, shape: 'area' })
  if (clearSky.length > 0) legend.push({ label: 'Clear sky', color: colors.inkDim, shape: 'dashed' })
  if (input.nights.length > 0) legend.push({ label: 'Night', color: colors.night, shape: 'bar' })
  for (const state of ['clipped', 'curtailed'] as const)
    if (tinted.some((one) => one.state === state))
      legend.push({ label: STATE_WORDS[state], color: colors[state], shape: 'bar' })

  return {
    option,
    legend: legend.length > 1 ? legend : [],
    empty: points.length === 0,
    summary: summary(input, distance),
    tooltip: (x) => tooltip(input, x, distance),
    table: table(input, scale, locale),
  }
}

const silentLine = { type: 'line', symbol: 'none', silent: true, emphasis: { disabled: true } }

/** The expectation from low to high: an invisible line, what lies on top of it, and a thin line through its middle. */
function bandSeries(expected: readonly ExpectedPoint[], distance: number, colors: ChartColors) {
  const cut = withGaps(expected, distance)
  const line = { ...silentLine, stack: 'expected', lineStyle: { opacity: 0 } }
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
    {
      ...silentLine,
      id: 'expected-middle',
      lineStyle: { color: colors.band, width: 1 },
      data: cut.map((point) => ('gap' in point ? [point.ts, null] : [point.ts, point.avg])),
    },
  ]
}

const stateAt = (states: readonly StateMark[] | undefined, ts: number): string | undefined => {
  const found = states?.find((one) => ts >= one.from && ts < one.to)
  return found && STATE_WORDS[found.state]
}

function tooltip(input: PowerChartInput, x: number, distance: number): TooltipContent {
  const { zone, locale, unit } = input
  const point = nearest(input.points, x, distance * 1.5)
  const wished = nearest(input.expected ?? [], x, distance * 1.5)
  const clear = nearest(input.clearSky ?? [], x, distance * 1.5)
  const night = input.nights.some((one) => x >= one.from && x < one.to)
  const rows = [{ label: input.label, value: point ? exact(point.avg, unit, locale) : 'no data' }]
  if (point && point.min !== point.max)
    rows.push({
      label: 'Lowest to highest',
      value: `${exact(point.min, '', locale)} to ${exact(point.max, unit, locale)}`,
    })
  if (wished)
    rows.push({
      label: 'Expected',
      value: `${exact(Math.round(wished.low), '', locale)} to ${exact(Math.round(wished.high), unit, locale)}`,
    })
  if (clear) rows.push({ label: 'Clear sky', value: exact(Math.round(clear.avg), unit, locale) })
  const at = point?.ts ?? x
  const notes = [
    stateAt(input.states, at),
    night && !point ? 'Night' : undefined,
    point && input.source ? `From ${input.source}` : undefined,
    wished && input.expectedFrom ? `expected by ${input.expectedFrom}` : undefined,
    point && input.bucket !== 'raw' && input.bucket !== 'auto' ? `mean of ${input.bucket}` : undefined,
  ]
  return { title: exactTime(at, zone, locale), rows, note: notes.filter(Boolean).join(' · ') || undefined }
}

function table(input: PowerChartInput, scale: ReturnType<typeof scaleFor>, locale: string): ChartModel['table'] {
  const { unit, zone, points, expected = [], states = [] } = input
  const wished = new Map(expected.map((point) => [point.ts, point]))
  const actual = new Map(points.map((point) => [point.ts, point]))
  const times = [...new Set([...actual.keys(), ...wished.keys()])].sort((a, b) => a - b)
  const withExpected = expected.length > 0
  const withStates = states.length > 0
  const told = (value: number | undefined) => (value === undefined ? 'no data' : onScale(value, scale, locale))
  const csvUnit = unit
    .toLowerCase()
    .replaceAll('/', '_per_')
    .replaceAll(/[^a-z_]/g, '')
  return {
    columns: [
      { title: 'Time' },
      { title: `${input.label}, ${scale.unit}`, align: 'end' },
      { title: 'Lowest', align: 'end' },
      { title: 'Highest', align: 'end' },
      ...(withExpected
        ? ([
            { title: 'Expected from', align: 'end' },
            { title: 'to', align: 'end' },
          ] as const)
        : []),
      ...(withStates ? [{ title: 'State' }] : []),
    ],
    rows: times.map((ts) => [
      dateTime(ts, zone, locale),
      told(actual.get(ts)?.avg),
      told(actual.get(ts)?.min),
      told(actual.get(ts)?.max),
      ...(withExpected ? [told(wished.get(ts)?.low), told(wished.get(ts)?.high)] : []),
      ...(withStates ? [stateAt(states, ts) ?? ''] : []),
    ]),
    csv: {
      head: [
        'ts',
        ...['avg', 'min', 'max', ...(withExpected ? ['expected_low', 'expected_high'] : [])].map(
          (name) => `${name}_${csvUnit}`,
        ),
        ...(withStates ? ['state'] : []),
      ],
      rows: times.map((ts) => {
        const point = actual.get(ts)
        return [
          new Date(ts).toISOString(),
          point?.avg ?? '',
          point?.min ?? '',
          point?.max ?? '',
          ...(withExpected ? [wished.get(ts)?.low ?? '', wished.get(ts)?.high ?? ''] : []),
          ...(withStates ? [states.find((one) => ts >= one.from && ts < one.to)?.state ?? ''] : []),
        ]
      }),
    },
  }
}

function summary(input: PowerChartInput, distance: number): string {
  const { points, zone, locale, unit, from, to, label, states = [] } = input
  const range = `${label} from ${dateTime(from, zone, locale)} to ${dateTime(to, zone, locale)}`
  const last = points.at(-1)
  if (!last) return `${range}: no data.`
  const peak = points.reduce((best, point) => (point.max > best.max ? point : best))
  const missing = gapTime(points, distance)
  const held = (state: StateMark['state']) =>
    states.filter((one) => one.state === state).reduce((sum, one) => sum + one.to - one.from, 0)
  return [
    `${range}.`,
    `Highest ${figureText(peak.max, unit, locale)} at ${dateTime(peak.ts, zone, locale)}.`,
    `Last value ${figureText(last.avg, unit, locale)} at ${dateTime(last.ts, zone, locale)}.`,
    ...(['under', 'clipped', 'curtailed'] as const).map((state) =>
      held(state) > 0 ? `${STATE_WORDS[state]} for ${span(held(state))}.` : '',
    ),
    missing > 0 ? `No data for ${span(missing)} in between.` : '',
    input.coverage === null || input.coverage === undefined
      ? ''
      : `${share(input.coverage, locale)} of the expected readings are there.`,
  ]
    .filter(Boolean)
    .join(' ')
}
