/** Where decoding puts its results: named outputs, gathered per batch and appended together. */
import {
  type AppendRecord,
  createReadingWriter,
  type DeadLetterRecord,
  type DownlinkRecord,
  encodeRecord,
  type LogProducer,
  type ReadingRecord,
  type UnclaimedRecord,
} from '@heliograph/crm-core/contracts'

export interface DecodeProducers {
  readings: LogProducer
  unclaimed: LogProducer
  deadLetter: LogProducer
  downlinks: LogProducer
}

/** Where a device's readings of a batch stand. */
interface Places {
  /** Newest time so far: a later one is no repetition, and most are later. */
  latest: number
  indexes: number[]
  /** By time; made when a device's readings turn out not to come in order. */
  byTime?: Map<number, number>
}

export class DecodeBatch {
  /** In the order of their messages; where one was replaced there is nothing. */
  readonly #readings: (ReadingRecord | undefined)[] = []
  readonly #places = new Map<string, Places>()
  unclaimed: UnclaimedRecord[] = []
  /** What linked devices tell anew of themselves; its way is that of the unclaimed. */
  readonly told: UnclaimedRecord[] = []
  deadLetters: DeadLetterRecord[] = []
  readonly downlinks: DownlinkRecord[] = []
  superseded = 0

  /** A later reading of the same device and instant replaces the earlier one. */
  addReading(reading: ReadingRecord): void {
    const index = this.#readings.push(reading) - 1
    const { deviceId, ts } = reading
    const places = this.#places.get(deviceId)
    if (!places) {
      this.#places.set(deviceId, { latest: ts, indexes: [index] })
      return
    }
    if (ts > places.latest) places.latest = ts
    else this.#replace(places, ts)
    places.indexes.push(index)
    places.byTime?.set(ts, index)
  }
  #replace(places: Places, ts: number): void {
    places.byTime ??= new Map(
      places.indexes.flatMap((index) => {
        const known = this.#readings[index]
        return known ? [[known.ts, index]] : []
      }),
    )
    const before = places.byTime.get(ts)
    if (before === undefined) return
    this.#readings[before] = undefined
    this.superseded++
  }
  /** Takes the readings out: what is appended is the rest. */
  takeReadings(): ReadingRecord[] {
    const taken = this.#readings.filter((reading) => reading !== undefined)
    this.#readings.length = 0
    this.#places.clear()
    return taken
  }

  readonly #appended = new Set<keyof DecodeProducers>()
  /** Resolves when everything is on disk. After a failure it may be called again: what is on disk is not appended twice. */
  async append(producers: DecodeProducers): Promise<void> {
    const readings: AppendRecord[] = []
    for (const reading of this.#readings) {
      if (!reading) continue
      const { deviceId: key, traceparent } = reading
      readings.push({ key, value: writeReading(reading), decoded: reading, traceparent })
    }
    const put = async (output: keyof DecodeProducers, records: AppendRecord[]): Promise<void> => {
      if (records.length === 0 || this.#appended.has(output)) return
      await producers[output].append(records)
      this.#appended.add(output)
    }
    await Promise.all([
      put('readings', readings),
      put('unclaimed', [...this.unclaimed, ...this.told].map(byConnection)),
      put('deadLetter', this.deadLetters.map(byConnection)),
      put('downlinks', this.downlinks.map(byConnection)),
    ])
  }
}

const writeReading = createReadingWriter((size) => Buffer.allocUnsafe(size))
const byConnection = (record: { connectionId: string }): AppendRecord => ({
  key: record.connectionId,
  value: encodeRecord(record),
})
