/** How a vendor's devices tell what they measure: topics and bodies as the real ones send them. */
import type { DemoDevice, DemoSite } from '../plan.ts'
import type { Measured } from '../measures.ts'

export interface Said {
  device: DemoDevice
  measured: Measured
}
export interface Publication {
  /** Of MQTT; a webhook has none. */
  topic?: string
  body: string | Uint8Array
}
export interface Speech {
  transport: 'mqtt' | 'webhook'
  /** One delivery of a connection. @param ts now, UTC milliseconds */
  say(said: readonly Said[], ts: number): Publication[]
  /** What the broker says for a device that it lost. */
  will?: Publication
  /** Asked for by the server; answered with the next delivery. */
  asked?: { topic: string; hear(): void }
}
export type SpeechFactory = (site: DemoSite, devices: readonly DemoDevice[]) => Speech

export const kwh = (wh: number, digits = 3): string => (wh / 1_000).toFixed(digits)
