/** Energy as bars, one for each local day or month of the site. A day without data has no bar: it is not a day of zero. */
import { CHART_FONT } from './font.ts'
import { exact, figureText, onScale, scaleFor, share } from '../format/numbers.ts'
import { dayName } from '../format/times.ts'
import type { ApiSeries } from './series.ts'
import type { ChartColors, ChartModel } from './types.ts'

export interface EnergyBar {
  /** First local day of the bar, `2026-03-03`. */
  date: string
  sumWh: number | null
}
export interface EnergyChartInput {
  /** One per bar that should stand there, in order. */
  bars: readonly EnergyBar[]
  step: 'day' | 'month'
  /** The bar that is still growing. */
  today: string
  locale: string
  source?: string | null | undefined
  coverage?: number | null | undefined
  colors: ChartColors
  width: number
}

/** Lines up what the API answered with the dates wanted. */
export function energyBars(
  series: ApiSeries | undefined,
  dates: readonly string[],
  step: 'day' | 'month',
): EnergyBar[] {
  const sums = new Map<string, number>()
  for (const point of series?.points ?? []) {
    const date =
      point.date ??
      (typeof point.ts === 'string' ? point.ts.slice(0, 10) : new Date(point.ts).toISOString().slice(0, 10))
    const key = step === 'month' ? `${date.slice(0, 7)}-01` : date
    if (point.sum !== null && point.sum !== undefined && Number.isFinite(point.sum)) sums.set(key, point.sum)
  }
  return dates.map((date) => ({ date, sumWh: sums.get(date) ?? null }))
}

export function energyChart(input: EnergyChartInput): ChartModel {
  const { bars, colors, locale } = input
  const known = bars.filter((bar): bar is { date: string; sumWh: number } => bar.sumWh !== null)
  const largest = known.reduce((most, bar) => Math.max(most, bar.sumWh), 0)
  const scale = scaleFor(largest, 'Wh')
  const current = input.step === 'month' ? `${input.today.slice(0, 7)}-01` : input.today
  const every = Math.max(1, Math.ceil(bars.length / Math.max(2, Math.floor(input.width / 58))))

  const option = {
    animation: false,
    grid: { left: 8, right: 12, top: 28, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    textStyle: { fontFamily: CHART_FONT },
    xAxis: {
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
    yAxis: {
      type: 'value',
      name: scale.unit,
      nameTextStyle: { color: colors.inkDim, align: 'right', padding: [0, 6, 0, 0] },
      axisLabel: { color: colors.inkDim, formatter: (value: number) => onScale(value, scale, locale) },
      splitLine: { lineStyle: { color: colors.line } },
    },
    series: [
      {
        id: 'energy',
        type: 'bar',
        name: 'Energy',
        barMaxWidth: 34,
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
    input.step === 'month' ? barLabel(date, 'month', locale, true) : dayName(date, locale)
  return {
    option,
    empty: known.length === 0,
    summary: summary(input, known, name),
    tooltip: (index) => {
      const bar = bars[index]
      if (!bar) return undefined
      const note = [bar.date === current ? 'So far' : '', input.source ? `From ${input.source}` : '']
        .filter(Boolean)
        .join(' · ')
      return {
        title: name(bar.date),
        rows: [{ label: 'Energy', value: bar.sumWh === null ? 'no data' : exact(bar.sumWh, 'Wh', locale) }],
        note: note || undefined,
      }
    },
    table: {
      columns: [{ title: input.step === 'month' ? 'Month' : 'Day' }, { title: `Energy, ${scale.unit}`, align: 'end' }],
      rows: bars.map((bar) => [name(bar.date), bar.sumWh === null ? 'no data' : onScale(bar.sumWh, scale, locale)]),
      csv: { head: ['date', 'energy_wh'], rows: bars.map((bar) => [bar.date, bar.sumWh ?? '']) },
    },
  }
}

function barLabel(date: string, step: 'day' | 'month', locale: string, long = false): string {
  const options: Intl.DateTimeFormatOptions =
    step === 'month'
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
  const what = input.step === 'month' ? 'months' : 'days'
  if (known.length === 0) return `Energy of ${String(bars.length)} ${what}: no data.`
  const total = known.reduce((sum, bar) => sum + bar.sumWh, 0)
  const best = known.reduce((top, bar) => (bar.sumWh > top.sumWh ? bar : top))
  return [
    `Energy of ${String(bars.length)} ${what}: ${figureText(total, 'Wh', locale)} in all.`,
    `Most on ${name(best.date)} with ${figureText(best.sumWh, 'Wh', locale)}.`,
    known.length < bars.length ? `No data for ${String(bars.length - known.length)} of them.` : '',
    input.coverage === null || input.coverage === undefined
      ? ''
      : `${share(input.coverage, locale)} of the expected readings are there.`,
  ]
    .filter(Boolean)
    .join(' ')
}
