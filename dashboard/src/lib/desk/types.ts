/** Shapes of the data desk that are answers, not resources. */
export interface StatusAnswer {
  status: 'ready' | 'degraded' | 'unavailable'
  parts: { name: string; state: 'ok' | 'degraded' | 'down'; lag: number; detail?: string }[]
  replayableFrom: string | null
}
/** A vendor the line understands, with what its owner has to enter where. */
export interface VendorInfo {
  id: string
  name: string
  transports: string[]
  topics?: string[]
  guide: string[]
}
