/** The DC inputs of a device beside each other: currents where it tells them, else powers. A dead one stands out. */
import type { Channel } from '@heliograph/crm-core/contracts'
import { exact, onScale, scaleFor } from '../format/numbers.ts'
import { dateTime, exactTime } from '../format/times.ts'
import { frame, timeAxis, valueAxis, zoomable, nightShade } from './frame.ts'
import { nearest, withGaps } from './series.ts'
import type { ChartColors, ChartModel, Interval } from './types.ts'

export interface StringsAnswer {
  timezone: string
  stepMs: number
  items: { input: number; points: ({ ts: number } & Channel)[] }[]
  dead: number[]
  latest: { ts: number; dc: Channel[] } | null
}
export interface StringsInput {
  from: number
  to: number
  zone: string
  locale: string
  answer: Pick<StringsAnswer, 'stepMs' | 'items' | 'dead'>
  nights: readonly Interval[]
  colors: ChartColors
  width: number
}

/** Which of its values are drawn: one kind for all inputs, so that they compare. */
export function stringValue(items: StringsAnswer['items']): { key: keyof Channel; unit: string; label: string } {
  const has = (key: keyof Channel) => items.some(({ points }) => points.some((point) => point[key] !== undefined))
  if (has('current_a')) return { key: 'current_a', unit: 'A', label: 'Current' }
  if (has('power_w')) return { key: 'power_w', unit: 'W', label: 'Power' }
  return { key: 'voltage_v', unit: 'V', label: 'Voltage' }
}

export function stringsChart(input: StringsInput): ChartModel {
  const { zone, locale, colors, answer } = input
  const { key, unit, label } = stringValue(answer.items)
  const curves = answer.items.map(({ input: place, points }) => ({
    place,
    name: `String ${String(place)}`,
    dead: answer.dead.includes(place),
    points: points.flatMap((point) => (point[key] === undefined ? [] : [{ ts: point.ts, value: point[key] }])),
  }))
  const largest = curves.reduce((most, { points }) => points.reduce((top, { value }) => Math.max(top, value), most), 0)
  const scale = scaleFor(largest, unit)
  const colorOf = (index: number, dead: boolean) =>
    dead ? colors.bad : (colors.series[index % Math.max(1, colors.series.length)] ?? colors.inkDim)
  const times = [...new Set(curves.flatMap(({ points }) => points.map(({ ts }) => ts)))].sort((a, b) => a - b)
  const values = curves.map(({ points }) => new Map(points.map(({ ts, value }) => [ts, value])))
  const dead = curves.filter((curve) => curve.dead).map(({ name }) => name)

  return {
    option: {
      ...frame,
      xAxis: timeAxis(input),
      yAxis: valueAxis(scale, input),
      dataZoom: [zoomable],
      series: curves.map(({ place, name, points, dead: gone }, index) => ({
        id: String(place),
        type: 'line',
        name,
        showSymbol: points.length === 1,
        connectNulls: false,
        data: withGaps(points, answer.stepMs).map((point) =>
          'gap' in point ? [point.ts, null] : [point.ts, point.value],
        ),
        lineStyle: { color: colorOf(index, gone), width: gone ? 2.4 : 1.4, type: gone ? 'dashed' : 'solid' },
        itemStyle: { color: colorOf(index, gone) },
        z: gone ? 4 : 2,
        emphasis: { disabled: true },
        ...(index === 0 ? { markArea: nightShade(input.nights, colors) } : {}),
      })),
    },
    legend: curves.map(({ name, dead: gone }, index) => ({
      label: gone ? `${name}: gives nothing` : name,
      color: colorOf(index, gone),
      shape: gone ? 'dashed' : 'line',
    })),
    empty: curves.every(({ points }) => points.length === 0),
    summary: [
      `${label} of ${String(curves.length)} strings.`,
      dead.length > 0
        ? `${dead.join(', ')} ${dead.length === 1 ? 'gives' : 'give'} nothing while the others produce.`
        : 'All of them agree.',
    ].join(' '),
    tooltip: (x) => {
      const found = curves.map((curve) => ({ curve, point: nearest(curve.points, x, answer.stepMs * 1.5) }))
      const at = found.find(({ point }) => point)?.point?.ts ?? x
      return {
        title: exactTime(at, zone, locale),
        rows: found.map(({ curve, point }) => ({
          label: curve.name,
          value: point ? exact(point.value, unit, locale) : 'no data',
        })),
      }
    },
    table: {
      columns: [
        { title: 'Time' },
        ...curves.map(({ name }) => ({ title: `${name}, ${scale.unit}`, align: 'end' as const })),
      ],
      rows: times.map((ts) => [
        dateTime(ts, zone, locale),
        ...values.map((one) => {
          const value = one.get(ts)
          return value === undefined ? 'no data' : onScale(value, scale, locale)
        }),
      ]),
      csv: {
        head: ['ts', ...curves.map(({ place }) => `string_${String(place)}_${unit.toLowerCase()}`)],
        rows: times.map((ts) => [new Date(ts).toISOString(), ...values.map((one) => one.get(ts) ?? '')]),
      },
    },
  }
}
