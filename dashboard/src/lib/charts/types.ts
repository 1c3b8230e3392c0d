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
export interface ChartModel {
  option: EChartsCoreOption
  /** What to tell about the place under the pointer, by its value on the x axis. */
  tooltip: (x: number) => TooltipContent | undefined
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
  night: string
  bad: string
  warn: string
}
export interface Interval {
  from: number
  to: number
}
