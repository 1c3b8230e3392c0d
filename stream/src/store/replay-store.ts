/**
 * Readings of replays into the warehouse: large inserts, one on its way while the next is decoded. Behind them what an earlier
 * decoding of the same messages made and this one did not is taken back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  DeviceId,
  LogProducer,
  ReadingRecord,
  ReplayChunk,
  RowBlock,
  Warehouse,
} from '@heliograph/crm-core/contracts'
import { tombstoneReplayed } from '../rollups/index.ts'
import { NewestReadings } from './newest-readings.ts'
import { isRefusal, StoreRows } from './store-rows.ts'

/** Few enough to be cleared away cheaply, many enough for the store. */
const MAX_ROWS = 10_000
const BACKOFF_FIRST_MS = 250
const BACKOFF_MAX_MS = 5_000
/** A look into the store costs the same for many messages as for few. */
const LOOK_EVERY_ROWS = 100_000
/** Readings of a device that lie closer are one range to compute. */
const NEAR_MS = 3_600_000

/** What a part of a replay changed in the store. */
export interface ReplayEffects {
  /** Stored readings. */
  rows: number
  /** Dead letters of readings that the store refused. */
  refused: number
  /** Ranges of devices whose roll-ups are to be computed again, UTC milliseconds, `to` exclusive. */
  touched: { deviceId: DeviceId; from: number; to: number }[]
  /** The newest readings of each device, told when everything is settled. */
  newest: ReadingRecord[]
}
export interface ReplayStoreDeps {
  warehouse: Warehouse
  deadLetters: LogProducer
  /** Told when a part is in the store. */
  stored(effects: ReplayEffects): void
  onError(error: unknown): void
}

export class ReplayStore {
  readonly #deps: ReplayStoreDeps
  readonly #rows: StoreRows
  #readings: ReadingRecord[] = []
  #chunks: ReplayChunk[] = []
  #rowsSinceLook = 0
  readonly #newest = new NewestReadings()
  #refused = 0
  #flying: Promise<void> = Promise.resolve()

  constructor(deps: ReplayStoreDeps) {
    this.#deps = deps
    this.#rows = new StoreRows({ ...deps, refused: () => this.#refused++ })
  }

  /**
   * Takes readings and the stretches of messages they came from; resolves when there is room for more.
   * @param signal ends the wait for a store that is down
   */
  async put(readings: readonly ReadingRecord[], chunks: readonly ReplayChunk[], signal: AbortSignal): Promise<void> {
    for (const reading of readings) this.#readings.push(reading)
    this.#chunks.push(...chunks)
    if (this.#readings.length >= MAX_ROWS) await this.#send(signal)
  }
  /** Resolves when everything that was put is stored, and what is no more is taken back. */
  async settled(signal: AbortSignal): Promise<void> {
    await this.#send(signal, true)
    await this.#flying
    this.#deps.stored({ rows: 0, refused: 0, touched: [], newest: this.#newest.drain() })
  }

  /** One part on its way at a time. */
  async #send(signal: AbortSignal, isLast = false): Promise<void> {
    const readings = this.#readings
    this.#readings = []
    this.#rowsSinceLook += readings.length
    let chunks: ReplayChunk[] = []
    if (isLast || this.#rowsSinceLook >= LOOK_EVERY_ROWS) {
      chunks = joined(this.#chunks)
      this.#chunks = []
      this.#rowsSinceLook = 0
    }
    await this.#flying
    this.#flying = this.#store(readings, chunks, signal)
    // Awaited with the next one; until then a failure is nobody's.
    this.#flying.catch(() => undefined)
  }

  /** Tried until the store takes it. Each step may be done again: it changes nothing. */
  async #store(readings: ReadingRecord[], chunks: ReplayChunk[], signal: AbortSignal): Promise<void> {
    const { warehouse, stored, onError } = this.#deps
    const blocks: RowBlock[] = []
    let kept: ReadingRecord[] | undefined
    for (let waitMs = BACKOFF_FIRST_MS; ; waitMs = Math.min(waitMs * 2, BACKOFF_MAX_MS)) {
      signal.throwIfAborted()
      try {
        kept ??= await this.#rows.encode(readings, blocks)
        if (blocks.length > 0) kept = await this.#insert(kept, blocks)
        const touched = [...rangesOf(kept), ...(await tombstoneReplayed(warehouse, chunks))]
        for (const reading of kept) this.#newest.take(reading)
        stored({ rows: kept.length, refused: this.#refused, touched, newest: [] })
        this.#refused = 0
        return
      } catch (error) {
        onError(error)
        await sleep(waitMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }
  async #insert(readings: ReadingRecord[], blocks: RowBlock[]): Promise<ReadingRecord[]> {
    try {
      await this.#deps.warehouse.insert('readings', blocks)
      return readings
    } catch (error) {
      if (!isRefusal(error)) throw error
      return await this.#rows.insertApart(readings, error)
    }
  }
}

/** Stretches that follow each other as one: each costs a look into the store. */
export function joined(chunks: readonly ReplayChunk[]): ReplayChunk[] {
  const found: ReplayChunk[] = []
  const last = new Map<string, ReplayChunk>()
  for (const chunk of chunks) {
    const key = [chunk.tenantId, chunk.connectionId, chunk.partition, chunk.revision, chunk.deviceId].join('/')
    const before = last.get(key)
    if (before && chunk.fromOffset >= before.fromOffset && chunk.fromOffset <= before.toOffset)
      before.toOffset = Math.max(before.toOffset, chunk.toOffset)
    else {
      const own = { ...chunk }
      found.push(own)
      last.set(key, own)
    }
  }
  return found
}

/** Which times of which devices readings are about: each range begins with its first reading and ends behind its last. */
export function rangesOf(readings: readonly Pick<ReadingRecord, 'deviceId' | 'ts'>[]): ReplayEffects['touched'] {
  const found: ReplayEffects['touched'] = []
  const open = new Map<DeviceId, ReplayEffects['touched'][number]>()
  for (const { deviceId, ts } of readings) {
    const range = open.get(deviceId)
    if (range && ts >= range.from - NEAR_MS && ts <= range.to + NEAR_MS) {
      if (ts < range.from) range.from = ts
      if (ts >= range.to) range.to = ts + 1
    } else {
      const begun = { deviceId, from: ts, to: ts + 1 }
      open.set(deviceId, begun)
      found.push(begun)
    }
  }
  return found
}
