/** The last reading of a device as the API answers it. */
import type { Channel, Extra, Fault, QualityFlag } from '@heliograph/crm-core/contracts'

export interface ReadingAnswer {
  ts: string | number
  receivedAt?: string | number
  source?: string
  metrics: Record<string, number>
  extra?: Extra
  status?: string
  faults?: Fault[]
  dc?: Channel[]
  ac?: Channel[]
  quality?: QualityFlag[]
}
export interface LatestAnswer {
  reading: ReadingAnswer | null
  ageMs: number | null
  stale: boolean
}
