/** The last reading of a device as the API answers it. */
import type { Channel, Extra, Fault, Metrics } from '@heliograph/crm-core/contracts'

export interface LatestAnswer {
  reading: {
    ts: string
    receivedAt: string
    ageMs: number
    stale: boolean
    metrics: Record<string, number>
    status?: string
    faults?: Fault[]
    quality: string[]
  } | null
}
/** The same instant with what the live state leaves out: channels and the vendor's own values. */
export interface FullReading {
  ts: string
  metrics: Metrics
  extra?: Extra
  dc?: Channel[]
  ac?: Channel[]
}
