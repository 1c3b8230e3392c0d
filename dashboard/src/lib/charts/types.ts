/**
 * A chart is a pure function from data to this: options for the drawing, words for the tooltip, a table of exactly what is
 * drawn, and a summary for who cannot see it.
 */
import type { EChartsCoreOption } from 'echarts/core'

export interface TooltipContent {
  title: string
  rows: { label: string; value: string }[]
  note?: string | undefined
}
export interface ChartTable {
  columns: { title: string; align?: 'start' | 'end' }[]
  /** As shown. */
  rows: string[][]
  /** As exported: unscaled, times in UTC. */
  csv: { head: string[]; rows: (string | number)[][] }
}
/** What a colour of the drawing means; the shape differs too, so that no colour stands alone. */
export interface LegendEntry {
  label: string
  color: string
  shape: 'area' | 'line' | 'dashed' | 'bar'
}
export interface ChartModel {
  option: EChartsCoreOption
  /** What to tell about the place under the pointer, by its values on the axes. */
  tooltip: (x: number, y: number) => TooltipContent | undefined
  legend?: readonly LegendEntry[]
  summary: string
  table: ChartTable
  /** Whether there is anything to draw. */
  empty: boolean
}
/** Colours as the canvas needs them: resolved from the tokens for the theme in use. */
export interface ChartColors {
  ink: string
  inkDim: string
  line: string
  surface: string
  power: string
  band: string
  energy: string
  last: string
  night: string
  clipped: string
  curtailed: string
  bad: string
  warn: string
  /** Lines beside each other. */
  series: readonly string[]
  /** From nothing to most. */
  heat: readonly string[]
}
export interface Interval {
  from: number
  to: number
}
