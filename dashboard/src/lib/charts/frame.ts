/** What every chart over time or days shares: edges, axes, and how numbers stand on them. */
import { onScale, type Scale } from '../format/numbers.ts'
import { CHART_FONT } from './font.ts'
import { tickLabel, timeTicks } from './time-axis.ts'
import type { ChartColors } from './types.ts'

export const frame = {
  animation: false,
  grid: { left: 8, right: 12, top: 28, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
  textStyle: { fontFamily: CHART_FONT },
}

export interface TimeFrame {
  from: number
  to: number
  zone: string
  locale: string
  /** Pixels. */
  width: number
  colors: ChartColors
}
/** Ticks at round wall times of the zone. */
export function timeAxis({ from, to, zone, locale, width, colors }: TimeFrame) {
  const ticks = timeTicks(from, to, zone, Math.max(2, Math.floor(width / 76)))
  return {
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
    axisPointer: { show: true, type: 'line', snap: false, lineStyle: { color: colors.inkDim }, label: { show: false } },
  }
}

/** Nights as shade behind the curves; one series of a chart carries it. */
export function nightShade(nights: readonly { from: number; to: number }[], colors: ChartColors) {
  return {
    silent: true,
    itemStyle: { color: colors.night },
    data: nights.map((night) => [{ xAxis: night.from }, { xAxis: night.to }]),
  }
}

/** @param scale which unit the labels are told in; its name stands above the axis */
export function valueAxis(scale: Scale, { colors, locale }: Pick<TimeFrame, 'colors' | 'locale'>) {
  return {
    type: 'value',
    name: scale.unit,
    // From the edge of the drawing: standing before the axis a long unit would be cut off.
    nameTextStyle: { color: colors.inkDim, align: 'left', padding: [0, 0, 0, -20] },
    min: (range: { min: number }) => Math.min(0, range.min),
    axisLabel: { color: colors.inkDim, formatter: (value: number) => onScale(value, scale, locale) },
    splitLine: { lineStyle: { color: colors.line } },
  }
}

/** Zooming by pinch or Ctrl and wheel, never by the wheel alone: the page must stay scrollable. */
export const zoomable = {
  type: 'inside',
  xAxisIndex: 0,
  filterMode: 'none',
  zoomOnMouseWheel: 'ctrl',
  moveOnMouseWheel: false,
  minValueSpan: 600_000,
}
