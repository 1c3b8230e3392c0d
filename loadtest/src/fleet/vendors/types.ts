import type { Plant, Sample } from '../plant.ts'

export interface OutgoingMessage {
  topic: string
  body: string
}
export interface SimulatedVendor {
  /** Name in `--vendor-mix`. */
  id: string
  /** Vendor of the connection its messages need. */
  vendor: string
  transport: 'mqtt' | 'http'
  /** The id by which the device will be known (unclaimed, links). */
  externalId(plant: Plant): string
  /** What the device sends for one sample. */
  messages(plant: Plant, sample: Sample, sequence: number): OutgoingMessage[]
  /** Whether every message becomes one reading of its own (device, ts): then stored rows can be counted. */
  oneRowPerMessage: boolean
}
