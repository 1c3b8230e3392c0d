/**
 * The inverters of a site beside each other, each by its own rating: kW per kWp makes large and small ones comparable. Who keeps up
 * with the others stays grey; who does not gets a colour.
 */
import { onScale, share } from '../format/numbers.ts'
import { dateTime, exactTime } from '../format/times.ts'
import { frame, timeAxis, valueAxis, zoomable, nightShade } from './frame.ts'
import { gapTime, nearest, withGaps } from './series.ts'
import type { ChartColors, ChartModel, Interval } from './types.ts'

export interface ComparedDevice {
  deviceId: string
  name: string
  peakPowerW: number | null
  energyWh: number | null
  points: readonly { ts: number; avg: number }[]
}
/** What is usual around the site: sites that face as it does, by their own rating, in the middle of each other. */
export interface Neighbours {
  sites: number
  withinKm: number
  /** Wh per Wp of the window. */
  yieldHours: number | null
  /** W per Wp. */
  points: readonly { ts: number; avg: number }[]
}
export const neighboursLabel = ({ sites, withinKm }: Neighbours): string =>
  sites === 1
    ? `A like site within ${String(withinKm)} km`
    : `${String(sites)} like sites within ${String(withinKm)} km`

/** The rated inverters of a site together, against what is usual around it; undefined where one of the two is not known. */
export function siteAgainst(
  devices: readonly ComparedDevice[],
  neighbours: Neighbours | null,
): { yieldHours: number; deviation: number } | undefined {
  const usual = neighbours?.yieldHours ?? 0
  const told = devices.filter(({ energyWh, peakPowerW }) => energyWh !== null && (peakPowerW ?? 0) > 0)
  if (usual < LEAST_YIELD_HOURS || told.length === 0) return undefined
  const sum = (of: (device: ComparedDevice) => number): number => told.reduce((total, each) => total + of(each), 0)
  const yieldHours = sum(({ energyWh }) => energyWh!) / sum(({ peakPowerW }) => peakPowerW!)
  return { yieldHours, deviation: yieldHours / usual - 1 }
}

/** How one stands among its peers. */
export interface Standing {
  deviceId: string
  name: string
  /** Wh per Wp of the window; null without rating or energy. */
  yieldHours: number | null
  energyWh: number | null
  /** Against the median of the others: -0.2 is a fifth less. Null where there is nobody, or too little yet, to compare with. */
  deviation: number | null
  /** Further below its peers than they differ among themselves. */
  low: boolean
}
/** From here on a difference is worth a look: below it strings, dust and roofs differ anyway. */
export const LOW_DEVIATION = -0.08
/** Wh per Wp below which a share of it says nothing: at dawn a step of a counter is a quarter of all there is. */
export const LEAST_YIELD_HOURS = 0.1

function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Every device among the others of its site, worst first. */
export function standings(devices: readonly ComparedDevice[]): Standing[] {
  const yields = devices.map(({ energyWh, peakPowerW }) =>
    energyWh === null || !peakPowerW || peakPowerW <= 0 ? null : energyWh / peakPowerW,
  )
  return devices
    .map(({ deviceId, name, energyWh }, index): Standing => {
      const own = yields[index] ?? null
      const usual = median(yields.filter((value, other): value is number => other !== index && value !== null))
      const deviation = own === null || usual === undefined || usual < LEAST_YIELD_HOURS ? null : own / usual - 1
      return {
        deviceId,
        name,
        yieldHours: own,
        energyWh,
        deviation,
        low: deviation !== null && deviation < LOW_DEVIATION,
      }
    })
    .sort((a, b) => (a.deviation ?? 9) - (b.deviation ?? 9))
}

export interface ComparisonInput {
  from: number
  to: number
  zone: string
  locale: string
  stepMs: number
  devices: readonly ComparedDevice[]
  neighbours: Neighbours | null
  nights: readonly Interval[]
  colors: ChartColors
  width: number
}
const UNIT = 'kW/kWp'
const LEAST_AXIS = 0.1
/** A tooltip is read at a glance. */
const MOST_TOLD = 10

export function comparisonChart(input: ComparisonInput): ChartModel {
  const { zone, locale, colors, stepMs } = input
  const rated = input.devices.filter(({ peakPowerW }) => peakPowerW !== null && peakPowerW > 0)
  const standing = standings(rated)
  const low = standing.filter((one) => one.low).map(({ deviceId }) => deviceId)
  // Few enough to be told apart: then each has its colour.
  const few = rated.length <= colors.series.length
  const colorOf = (deviceId: string, index: number): string | undefined => {
    const place = low.indexOf(deviceId)
    if (place === -1) return undefined
    // Among few each keeps the colour of its place: two of one colour would be told apart by nobody.
    return colors.series[few ? index : place % Math.max(1, colors.series.length)] ?? colors.bad
  }
  const curves = rated.map((device, index) => ({
    device,
    points: device.points.map(({ ts, avg }) => ({ ts, avg: avg / device.peakPowerW! })),
    color: colorOf(device.deviceId, index),
  }))
  const around = input.neighbours?.points ?? []
  const aroundLabel = input.neighbours ? neighboursLabel(input.neighbours) : ''
  const scale = { factor: 1, unit: UNIT }
  const option = {
    ...frame,
    xAxis: timeAxis(input),
    // By night and at dawn the steps of an axis would all be told as zero.
    yAxis: { ...valueAxis(scale, input), max: ({ max }: { max: number }) => (max < LEAST_AXIS ? LEAST_AXIS : null) },
    dataZoom: [zoomable],
    series: [
      ...curves.map(({ device, points, color }, index) => ({
        id: device.deviceId,
        type: 'line',
        name: device.name,
        showSymbol: points.length === 1,
        connectNulls: false,
        data: drawn(points, stepMs),
        lineStyle: {
          color: color ?? (few ? colors.series[index] : colors.inkDim),
          width: color ? 2.2 : 1.2,
          opacity: color || few ? 1 : 0.45,
        },
        itemStyle: { color: color ?? (few ? colors.series[index] : colors.inkDim) },
        z: color ? 4 : 2,
        emphasis: { disabled: true },
        ...(index === 0 ? { markArea: nightShade(input.nights, colors) } : {}),
      })),
      ...(around.length === 0
        ? []
        : [
            {
              id: 'neighbours',
              type: 'line',
              name: aroundLabel,
              showSymbol: around.length === 1,
              connectNulls: false,
              data: drawn(around, stepMs),
              lineStyle: { color: colors.ink, width: 1.6, type: 'dashed', opacity: 0.7 },
              itemStyle: { color: colors.ink },
              z: 3,
              emphasis: { disabled: true },
            },
          ]),
    ],
  }
  /** In the order of the table's columns. */
  const told = [
    ...curves.map(({ device, points }) => ({ name: device.name, points })),
    ...(around.length === 0 ? [] : [{ name: aroundLabel, points: around }]),
  ]
  const times = [...new Set(told.flatMap(({ points }) => points.map(({ ts }) => ts)))].sort((a, b) => a - b)
  const values = told.map(({ points }) => new Map(points.map(({ ts, avg }) => [ts, avg])))
  return {
    option,
    legend: [
      ...(few
        ? curves.map(({ device, color }, index) => ({
            label: device.name,
            color: color ?? colors.series[index] ?? '',
            shape: 'line' as const,
          }))
        : [
            ...curves
              .filter(({ color }) => color)
              .slice(0, 6)
              .map(({ device, color }) => ({ label: device.name, color: color!, shape: 'line' as const })),
            {
              label: `${String(curves.length - low.length)} in line with each other`,
              color: colors.inkDim,
              shape: 'line' as const,
            },
          ]),
      ...(around.length === 0 ? [] : [{ label: aroundLabel, color: colors.ink, shape: 'dashed' as const }]),
    ],
    empty: curves.every(({ points }) => points.length === 0),
    summary: summary(input, standing, curves),
    tooltip: (x) => {
      const row = (label: string, { avg }: { avg: number }) => ({
        label,
        value: `${onScale(avg, scale, locale)} ${UNIT}`,
      })
      const then = curves
        .flatMap(({ device, points }) => {
          const point = nearest(points, x, stepMs)
          return point ? [{ name: device.name, point }] : []
        })
        .sort((a, b) => a.point.avg - b.point.avg)
      const usual = nearest(around, x, stepMs)
      return {
        title: exactTime(then[0]?.point.ts ?? usual?.ts ?? x, zone, locale),
        rows: [
          ...(then.length === 0 ? [{ label: 'Inverters', value: 'no data' }] : []),
          ...then.slice(0, MOST_TOLD).map(({ name, point }) => row(name, point)),
          ...(usual ? [row(aroundLabel, usual)] : []),
        ],
        note: then.length > MOST_TOLD ? `and ${String(then.length - MOST_TOLD)} more above these` : undefined,
      }
    },
    table: {
      columns: [{ title: 'Time' }, ...told.map(({ name }) => ({ title: `${name}, ${UNIT}`, align: 'end' as const }))],
      rows: times.map((ts) => [
        dateTime(ts, zone, locale),
        ...values.map((one) => {
          const value = one.get(ts)
          return value === undefined ? 'no data' : onScale(value, scale, locale)
        }),
      ]),
      csv: {
        head: ['ts', ...told.map(({ name }) => `${name} kw_per_kwp`)],
        rows: times.map((ts) => [new Date(ts).toISOString(), ...values.map((one) => one.get(ts) ?? '')]),
      },
    },
  }
}

/** A sentence: how the site stands against what is usual around it. */
export function againstText(deviation: number, neighbours: Neighbours, locale: string): string {
  const around = neighbours.sites === 1 ? 'a site' : `the middle of ${String(neighbours.sites)} sites`
  const within = `within ${String(neighbours.withinKm)} km that ${neighbours.sites === 1 ? 'faces' : 'face'} as it does`
  if (Math.abs(deviation) < IN_LINE) return `The site is in line with ${around} ${within}.`
  return `The site is ${share(Math.abs(deviation), locale)} ${deviation < 0 ? 'below' : 'above'} ${around} ${within}.`
}
/** Roofs, dust and instruments differ by this much anyway. */
const IN_LINE = 0.02

const drawn = (points: readonly { ts: number; avg: number }[], stepMs: number): [number, number | null][] =>
  withGaps(points, stepMs).map((point) => ('gap' in point ? [point.ts, null] : [point.ts, point.avg]))

function summary(
  input: ComparisonInput,
  standing: readonly Standing[],
  curves: readonly { points: readonly { ts: number }[] }[],
): string {
  const { from, to, zone, locale, stepMs } = input
  if (curves.length === 0) return 'No inverter of this site has a rating: there is nothing to compare by.'
  const missing = curves.filter(({ points }) => points.length === 0 || gapTime(points, stepMs) > 3_600_000).length
  const low = standing.filter((one) => one.low)
  const against = siteAgainst(input.devices, input.neighbours)
  return [
    `${curves.length === 1 ? 'One inverter' : `${String(curves.length)} inverters`} by kW per kWp from ${dateTime(from, zone, locale)} to ${dateTime(to, zone, locale)}.`,
    low.length === 0
      ? standing.some(({ deviation }) => deviation !== null)
        ? 'None is notably below the others.'
        : ''
      : `Below the others: ${low.map(({ name, deviation }) => `${name} by ${share(-deviation!, locale)}`).join(', ')}.`,
    against ? againstText(against.deviation, input.neighbours!, locale) : '',
    missing > 0 ? `${String(missing)} of them have gaps.` : '',
  ]
    .filter(Boolean)
    .join(' ')
}
