/**
 * A heat map of days by hours: what was made in each hour of each local day. The hours are those of the site's clock, so a day of 23
 * hours lacks one, and the hour that a day of 25 has twice is their mean. Zones with half hours keep their own rows.
 */
import { exact, figureText, onScale, scaleFor } from '../format/numbers.ts'
import { DAY, dayName, offsetAt, toMs } from '../format/times.ts'
import { frame } from './frame.ts'
import type { ApiSeries } from './series.ts'
import type { ChartColors, ChartModel } from './types.ts'

export interface HeatCell {
  date: string
  /** Minutes after local midnight at which the hour begins. */
  minute: number
  wh: number
  /** How many hours of the clock it stands for: 2 where one came twice. */
  hours: number
}
export interface HeatInput {
  /** Local days, in order. */
  dates: readonly string[]
  cells: readonly HeatCell[]
  locale: string
  colors: ChartColors
  width: number
}

/** Hours of energy put on the site's calendar. */
export function heatCells(series: ApiSeries | undefined, zone: string): HeatCell[] {
  const found = new Map<string, HeatCell>()
  for (const point of series?.points ?? []) {
    const ts = toMs(point.ts)
    if (!Number.isFinite(ts) || point.sum === null || point.sum === undefined) continue
    const wall = ts + offsetAt(ts, zone)
    const date = new Date(wall).toISOString().slice(0, 10)
    const minute = Math.floor((wall % DAY) / 60_000)
    const key = `${date} ${String(minute)}`
    const before = found.get(key)
    found.set(key, { date, minute, wh: (before?.wh ?? 0) + point.sum, hours: (before?.hours ?? 0) + 1 })
  }
  return [...found.values()]
}

/**
 * The colour of a share of the most, between the stops of the scale. Stops come as the browser resolves them, `rgb(1, 2, 3)`; where one is
 * written otherwise the nearest stop is taken.
 */
export function heatColor(stops: readonly string[], share: number): string {
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1)
  const low = Math.floor(place)
  const [from, to] = [stops[low] ?? '', stops[Math.min(low + 1, stops.length - 1)] ?? '']
  const parts = (color: string) => /^rgb\((\d+), (\d+), (\d+)\)$/.exec(color)?.slice(1).map(Number)
  const [a, b] = [parts(from), parts(to)]
  if (!a || !b) return place - low < 0.5 ? from : to
  const mixed = a.map((value, index) => Math.round(value + ((b[index] ?? value) - value) * (place - low)))
  return `rgb(${mixed.join(', ')})`
}

const hourName = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`

export function heatChart(input: HeatInput): ChartModel {
  const { dates, colors, locale } = input
  // The offset of a zone's hours from full ones: 30 in India.
  const shift = (input.cells[0]?.minute ?? 0) % 60
  const days = new Map(dates.map((date, index) => [date, index]))
  const placed = input.cells.flatMap((cell) => {
    const x = days.get(cell.date)
    return x === undefined ? [] : [{ ...cell, x, y: Math.floor(cell.minute / 60) }]
  })
  const lit = placed.filter(({ wh }) => wh > 0)
  // Hours of the night are left out at both ends; one dark hour stays on each side.
  const first = lit.length > 0 ? Math.max(0, Math.min(...lit.map(({ y }) => y)) - 1) : 0
  const last = lit.length > 0 ? Math.min(23, Math.max(...lit.map(({ y }) => y)) + 1) : 23
  const rows = Array.from({ length: last - first + 1 }, (_, index) => first + index)
  const at = new Map(placed.map((cell) => [`${String(cell.x)} ${String(cell.y)}`, cell]))
  const mean = (cell: HeatCell) => cell.wh / cell.hours
  const largest = placed.reduce((most, cell) => Math.max(most, mean(cell)), 0)
  const scale = scaleFor(largest, 'Wh')
  const every = Math.max(1, Math.ceil(dates.length / Math.max(2, Math.floor(input.width / 70))))
  const short = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', timeZone: 'UTC' })
  const best = lit.reduce<(typeof lit)[number] | undefined>(
    (top, cell) => (top === undefined || mean(cell) > mean(top) ? cell : top),
    undefined,
  )

  return {
    option: {
      ...frame,
      xAxis: {
        type: 'category',
        data: [...dates],
        position: 'bottom',
        axisLine: { show: false, onZero: false },
        axisTick: { show: false },
        axisLabel: {
          color: colors.inkDim,
          interval: (index: number) => (dates.length - 1 - index) % every === 0,
          formatter: (date: string) => short.format(Date.parse(`${date}T00:00:00Z`)),
        },
      },
      // Bars of one height on each other, one for each hour: a chart of cells without another part of the library.
      yAxis: {
        type: 'value',
        inverse: true,
        min: 0,
        max: rows.length,
        interval: rows.length > 12 ? 2 : 1,
        name: `${scale.unit} per hour`,
        nameLocation: 'start',
        nameTextStyle: { color: colors.inkDim, align: 'left', padding: [0, 0, 0, -30] },
        axisLine: { show: false },
        axisTick: { show: false },
        splitLine: { show: false },
        axisLabel: {
          color: colors.inkDim,
          formatter: (row: number) => hourName(((first + row) * 60 + shift) % (DAY / 60_000)),
        },
      },
      series: rows.map((hour) => ({
        id: `hour-${String(hour)}`,
        type: 'bar',
        stack: 'hours',
        barCategoryGap: '6%',
        emphasis: { disabled: true },
        silent: true,
        data: dates.map((_, x) => {
          const cell = at.get(`${String(x)} ${String(hour)}`)
          return {
            value: 1,
            itemStyle: {
              color: cell ? heatColor(colors.heat, largest > 0 ? mean(cell) / largest : 0) : 'transparent',
              borderColor: colors.surface,
              borderWidth: 1,
            },
          }
        }),
      })),
    },
    legend: (largest > 0 ? colors.heat : []).map((color, index) => ({
      label:
        index === 0
          ? 'nothing'
          : index === colors.heat.length - 1
            ? figureText(largest, 'Wh', locale)
            : figureText((largest * index) / (colors.heat.length - 1), 'Wh', locale),
      color,
      shape: 'bar',
    })),
    empty: placed.length === 0,
    summary:
      best === undefined
        ? `Energy by day and hour of ${String(dates.length)} days: ${placed.length === 0 ? 'no data' : 'nothing was made'}.`
        : `Energy by day and hour of ${String(dates.length)} days. Most in an hour: ${figureText(mean(best), 'Wh', locale)} on ${dayName(best.date, locale)} at ${hourName(best.minute)}.`,
    tooltip: (x, y) => {
      const date = dates[x]
      const hour = rows[Math.floor(y)]
      if (date === undefined || hour === undefined) return undefined
      const cell = at.get(`${String(x)} ${String(hour)}`)
      const start = cell?.minute ?? hour * 60 + shift
      return {
        title: `${dayName(date, locale)}, ${hourName(start)} to ${hourName((start + 60) % (DAY / 60_000))}`,
        rows: [{ label: 'Energy', value: cell ? exact(mean(cell), 'Wh', locale) : 'no data' }],
        note: cell && cell.hours > 1 ? 'The clock showed this hour twice: their mean' : undefined,
      }
    },
    table: {
      columns: [
        { title: 'Day' },
        ...rows.map((hour) => ({ title: hourName(hour * 60 + shift), align: 'end' as const })),
      ],
      rows: dates.map((date, x) => [
        dayName(date, locale),
        ...rows.map((hour) => {
          const cell = at.get(`${String(x)} ${String(hour)}`)
          return cell ? onScale(mean(cell), scale, locale) : '–'
        }),
      ]),
      csv: {
        head: ['date', ...rows.map((hour) => `energy_wh_${hourName(hour * 60 + shift)}`)],
        rows: dates.map((date, x) => [
          date,
          ...rows.map((hour) => {
            const cell = at.get(`${String(x)} ${String(hour)}`)
            return cell ? mean(cell) : ''
          }),
        ]),
      },
    },
  }
}
