/** The newest reading of an unclaimed device in a few words, so that it can be told from its neighbour. */
import { isMetric, METRICS } from '@heliograph/crm-core/contracts'
import { figureText } from '../format/numbers.ts'

const MOST = 4

export function sampleText(sample: unknown, locale: string): string {
  if (typeof sample !== 'object' || sample === null) return ''
  const metrics = (sample as { metrics?: unknown }).metrics
  if (typeof metrics !== 'object' || metrics === null) return ''
  return Object.entries(metrics)
    .flatMap(([name, value]) =>
      isMetric(name) && typeof value === 'number'
        ? [`${METRICS[name].label} ${figureText(value, METRICS[name].unit, locale)}`]
        : [],
    )
    .slice(0, MOST)
    .join(', ')
}
