/**
 * Energy as bars, one for each local day, month or year of the site, the year before behind it. A day without data has no bar: it is
 * not a day of zero.
 */
import { exact, figureText, onScale, scaleFor, share } from '../format/numbers.ts'
import { dayName } from '../format/times.ts'
import { frame, valueAxis } from './frame.ts'
import type { ApiSeries } from './series.ts'
import type { ChartColors, ChartModel } from './types.ts'

export type EnergyStep = 'day' | 'month' | 'year'
export interface EnergyBar {
  /** First local day of the bar, `2026-03-03`. */
  date: string
  sumWh: number | null
}
export interface EnergyChartInput {
  /** One per bar that should stand there, in order. */
  bars: readonly EnergyBar[]
  /** The same bars a year earlier, where they are asked for. */
  before?: readonly EnergyBar[]
  step: EnergyStep
  /** The bar that is still growing. */
  today: string
  locale: string
  source?: string | null | undefined
  coverage?: number | null | undefined
  colors: ChartColors
  width: number
}

const WHAT = { day: 'days', month: 'months', year: 'years' } as const
const TITLE = { day: 'Day', month: 'Month', year: 'Year' } as const
/** First day of the bar that a day falls in. */
export function barOf(date: string, step: EnergyStep): string {
  return step === 'day' ? date : step === 'month' ? `${date.slice(0, 7)}-01` : `${date.slice(0, 4)}-01-01`
}
/** The same day a year earlier; the 29th of February has none. */
export function yearBefore(date: string): string | undefined {
  if (date.slice(5) === '02-29') return undefined
  return `${String(Number(date.slice(0, 4)) - 1)}${date.slice(4)}`
}

/** Lines up what the API answered with the dates wanted; what falls into one bar is added up. */
export function energyBars(
  series: ApiSeries | undefined,
  dates: readonly (string | undefined)[],
  step: EnergyStep,
): EnergyBar[] {
  const sums = new Map<string, number>()
  for (const point of series?.points ?? []) {
    const date =
      point.date ??
      (typeof point.ts === 'string' ? point.ts.slice(0, 10) : new Date(point.ts).toISOString().slice(0, 10))
    const key = barOf(date, step)
    if (point.sum !== null && point.sum !== undefined && Number.isFinite(point.sum))
      sums.set(key, (sums.get(key) ?? 0) + point.sum)
  }
  return dates.map((date) => ({ date: date ?? '', sumWh: date === undefined ? null : (sums.get(date) ?? null) }))
}

export function energyChart(input: EnergyChartInput): ChartModel {
  const { bars, colors, locale } = input
  const known = bars.filter((bar): bar is { date: string; sumWh: number } => bar.sumWh !== null)
  const before = input.before?.some((bar) => bar.sumWh !== null) ? input.before : undefined
  const largest = [...bars, ...(before ?? [])].reduce((most, bar) => Math.max(most, bar.sumWh ?? 0), 0)
  const scale = scaleFor(largest, 'Wh')
  const current = barOf(input.today, input.step)
  const every = Math.max(1, Math.ceil(bars.length / Math.max(2, Math.floor(input.width / 58))))

  const option = {
    ...frame,
    xAxis: [
      {
        type: 'category',
        data: bars.map((bar) => bar.date),
        axisLine: { lineStyle: { color: colors.line } },
        axisTick: { show: false },
        axisLabel: {
          color: colors.inkDim,
          // Counted from the newest: the last bar always has its date.
          interval: (index: number) => (bars.length - 1 - index) % every === 0,
          formatter: (date: string) => barLabel(date, input.step, locale),
        },
        axisPointer: { show: true, type: 'shadow', label: { show: false } },
      },
      // An axis of its own puts the year before behind the bars instead of beside them.
      ...(before ? [{ type: 'category', data: bars.map((bar) => bar.date), show: false }] : []),
    ],
    // Without a bar there are no labels to stand beside, and half of the unit would lie beyond the edge.
    yAxis: { ...valueAxis(scale, input), ...(known.length === 0 ? { name: '' } : {}) },
    series: [
      ...(before
        ? [
            {
              id: 'before',
              type: 'bar',
              name: 'A year before',
              xAxisIndex: 1,
              barMaxWidth: 46,
              barCategoryGap: '14%',
              data: before.map((bar) => bar.sumWh),
              itemStyle: { color: colors.last, borderRadius: [2, 2, 0, 0] },
              emphasis: { disabled: true },
              silent: true,
            },
          ]
        : []),
      {
        id: 'energy',
        type: 'bar',
        name: 'Energy',
        barMaxWidth: before ? 26 : 34,
        // Narrower than the year before: both are seen.
        ...(before ? { barCategoryGap: '44%', z: 3 } : {}),
        data: bars.map((bar) => ({
          value: bar.sumWh,
          itemStyle: bar.date === current ? { color: colors.energy, opacity: 0.55 } : { color: colors.energy },
        })),
        itemStyle: { color: colors.energy, borderRadius: [2, 2, 0, 0] },
        emphasis: { disabled: true },
      },
    ],
  }

  const name = (date: string) =>
    input.step === 'day' ? dayName(date, locale) : barLabel(date, input.step, locale, true)
  return {
    option,
    legend: before
      ? [
          { label: 'Energy', color: colors.energy, shape: 'bar' },
          { label: 'A year before', color: colors.last, shape: 'bar' },
        ]
      : [],
    empty: known.length === 0,
    summary: summary(input, known, name),
    tooltip: (index) => {
      const bar = bars[index]
      if (!bar) return undefined
      const note = [bar.date === current ? 'So far' : '', input.source ? `From ${input.source}` : '']
        .filter(Boolean)
        .join(' · ')
      const last = before?.[index]?.sumWh ?? null
      return {
        title: name(bar.date),
        rows: [
          { label: 'Energy', value: bar.sumWh === null ? 'no data' : exact(bar.sumWh, 'Wh', locale) },
          ...(before ? [{ label: 'A year before', value: last === null ? 'no data' : exact(last, 'Wh', locale) }] : []),
        ],
        note: note || undefined,
      }
    },
    table: {
      columns: [
        { title: TITLE[input.step] },
        { title: `Energy, ${scale.unit}`, align: 'end' },
        ...(before ? [{ title: 'A year before', align: 'end' as const }] : []),
      ],
      rows: bars.map((bar, index) => [
        name(bar.date),
        ...[bar.sumWh, ...(before ? [before[index]?.sumWh ?? null] : [])].map((value) =>
          value === null ? 'no data' : onScale(value, scale, locale),
        ),
      ]),
      csv: {
        head: ['date', 'energy_wh', ...(before ? ['energy_year_before_wh'] : [])],
        rows: bars.map((bar, index) => [bar.date, bar.sumWh ?? '', ...(before ? [before[index]?.sumWh ?? ''] : [])]),
      },
    },
  }
}

function barLabel(date: string, step: EnergyStep, locale: string, long = false): string {
  const options: Intl.DateTimeFormatOptions =
    step === 'year'
      ? { year: 'numeric', timeZone: 'UTC' }
      : step === 'month'
        ? { month: long ? 'long' : 'short', year: long ? 'numeric' : '2-digit', timeZone: 'UTC' }
        : { day: 'numeric', month: 'short', timeZone: 'UTC' }
  return new Intl.DateTimeFormat(locale, options).format(Date.parse(`${date}T00:00:00Z`))
}

function summary(
  input: EnergyChartInput,
  known: readonly { date: string; sumWh: number }[],
  name: (date: string) => string,
): string {
  const { bars, locale } = input
  const what = WHAT[input.step]
  if (known.length === 0) return `Energy of ${String(bars.length)} ${what}: no data.`
  const total = known.reduce((sum, bar) => sum + bar.sumWh, 0)
  const best = known.reduce((top, bar) => (bar.sumWh > top.sumWh ? bar : top))
  const last = (input.before ?? []).reduce<number | undefined>(
    (sum, bar) => (bar.sumWh === null ? sum : (sum ?? 0) + bar.sumWh),
    undefined,
  )
  return [
    `Energy of ${String(bars.length)} ${what}: ${figureText(total, 'Wh', locale)} in all.`,
    last === undefined ? '' : `A year before: ${figureText(last, 'Wh', locale)}.`,
    `Most on ${name(best.date)} with ${figureText(best.sumWh, 'Wh', locale)}.`,
    known.length < bars.length ? `No data for ${String(bars.length - known.length)} of them.` : '',
    input.coverage === null || input.coverage === undefined
      ? ''
      : `${share(input.coverage, locale)} of the expected readings are there.`,
  ]
    .filter(Boolean)
    .join(' ')
}
