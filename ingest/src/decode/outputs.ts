/** Where decoding puts its results: named outputs, gathered per batch and appended together. */
import {
  type AppendRecord,
  type DeadLetterRecord,
  type DownlinkRecord,
  encodeRecord,
  type LogProducer,
  type ReadingRecord,
  type ReplayChunkRecord,
  type UnclaimedRecord,
} from '@heliograph/crm-core/contracts'

export interface DecodeProducers {
  readings: LogProducer
  replayed: LogProducer
  unclaimed: LogProducer
  deadLetter: LogProducer
  downlinks: LogProducer
}

export class DecodeBatch {
  /** Newest last: a fuller reading of the same device and instant replaces the earlier one of this batch. */
  readonly #readings = new Map<string, ReadingRecord>()
  readonly unclaimed: UnclaimedRecord[] = []
  readonly deadLetters: DeadLetterRecord[] = []
  readonly downlinks: DownlinkRecord[] = []
  superseded = 0

  addReading(reading: ReadingRecord): void {
    const key = `${reading.deviceId}\n${reading.ts}`
    // Deleted first, so that the map's order stays the order of the newest message.
    if (this.#readings.delete(key)) this.superseded++
    this.#readings.set(key, reading)
  }
  get readings(): Iterable<ReadingRecord> {
    return this.#readings.values()
  }
  get readingCount(): number {
    return this.#readings.size
  }

  readonly #appended = new Set<keyof DecodeProducers>()
  /**
   * Resolves when everything is on disk. After a failure it may be called again: what is on disk is not appended twice.
   * @param chunk closes a part of a replay, behind its readings
   */
  async append(producers: DecodeProducers, lane: 'readings' | 'replayed', chunk?: ReplayChunkRecord): Promise<void> {
    const readings: AppendRecord[] = []
    for (const reading of this.#readings.values())
      readings.push({ key: reading.deviceId, value: encodeRecord(reading) })
    if (chunk) readings.push({ key: chunk.connectionId, value: encodeRecord(chunk) })
    const put = async (output: keyof DecodeProducers, records: AppendRecord[]): Promise<void> => {
      if (records.length === 0 || this.#appended.has(output)) return
      await producers[output].append(records)
      this.#appended.add(output)
    }
    await Promise.all([
      put(lane, readings),
      put('unclaimed', this.unclaimed.map(byConnection)),
      put('deadLetter', this.deadLetters.map(byConnection)),
      put('downlinks', this.downlinks.map(byConnection)),
    ])
  }
}

const byConnection = (record: { connectionId: string }): AppendRecord => ({
  key: record.connectionId,
  value: encodeRecord(record),
})
