/** Figures of settings. Without their schemas, so that a page that shows them loads no schema library. */
import type { Thresholds } from './resources/settings.ts'

/** A logo is small; what is larger makes every page of every customer wait. */
export const MAX_LOGO_BYTES = 64 * 1024
export const DEFAULT_THRESHOLDS: Thresholds = {
  silenceIntervals: 3,
  silenceMinutes: 2,
  underperformancePercent: 15,
  underperformanceHours: 3,
}
