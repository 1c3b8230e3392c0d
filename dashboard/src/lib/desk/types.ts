/** Shapes of the data desk that are answers, not resources. */
export interface StatusAnswer {
  status: 'ready' | 'degraded' | 'unavailable'
  parts: { name: string; state: 'ok' | 'degraded' | 'down'; lag: number | null; detail?: string }[]
  replayableFrom: string | null
}
/** A vendor the line understands, with what its owner has to enter where. */
export interface VendorInfo {
  id: string
  name: string
  transports: string[]
  topics?: string[]
  guide: string[]
  paste: VendorPaste[]
}
/** A text to copy, in which `%words%` stand for what a connection has. */
export interface VendorPaste {
  label: string
  transport: string
  scheme?: string
  text: string
}
/** A message of the tap: what came, and what became of it. */
export interface TapMessage {
  partition: number
  offset: number
  receivedAt: string
  transport: string
  topic: string | null
  size: number
  /** Base64 of the first bytes. */
  body: string
  whole: boolean
  outcome: 'stored' | 'no-readings' | 'dead-letter'
  readings: number
  reason: string | null
}
export interface StatusHistory {
  items: { name: string; points: { ts: string; lag: number | null; state: 'ok' | 'degraded' | 'down' }[] }[]
}
export interface QualityAnswer {
  from: string
  to: string
  /** Devices that were heard in the window; the items are the worst of them. */
  devices: number
  items: DeviceQuality[]
}
export interface DeviceQuality {
  deviceId: string
  deviceName: string
  siteId: string
  siteName: string
  readings: number
  lastAt: string
  gaps: number
  longestGapMs: number
  missingMs: number
  flags: Record<string, number>
}
