/**
 * One partition of the embedded log: an LMDB environment that maps a group's first offset to the packed group.
 * One process writes it; any number of processes read it.
 */
import { mkdirSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { type AppendRecord, LogError, type LogPosition, type LogRecord } from '@heliograph/crm-core/contracts'
import {
  groupHead,
  isSound,
  mostRecords,
  packGroup,
  plausibleCount,
  recordBytes,
  squeezeGroup,
  unpackGroup,
} from './group.ts'
import { Tail } from './tail.ts'

const MAX_GROUP_BYTES = 4 * 1024 * 1024
const MAX_GROUP_RECORDS = 20_000
/** Above this the producer refuses instead of growing: edges push back long before. */
const MAX_PENDING_BYTES = 256 * 1024 * 1024
export const MAX_RECORD_BYTES = 32 * 1024 * 1024
/** How long a failed or full disk is left alone before the next append asks again. */
const FULL_RETRY_MS = 500

interface Waiting {
  records: AppendRecord[]
  bytes: number
  resolve(position: LogPosition): void
  reject(error: LogError): void
}

export interface PartitionOptions {
  dir: string
  partition: number
  /** Free bytes of the disk below which appends are refused, so that an unclean end never meets a full disk. */
  reserveBytes: number
  now(): number
  onAppended(): void
  /** Large groups are compressed where a record has so many bytes in the mean. */
  squeezeFrom: number
}

export class LmdbPartition {
  readonly #options: PartitionOptions
  readonly #root: RootDatabase<Buffer, number>
  readonly #groups: Database<Buffer, number>
  readonly #meta: Database<number, string>
  readonly #tail = new Tail()
  /** Consumers of this process and the next offset of each: only for them the newest groups are kept in memory. */
  readonly #followers = new Map<symbol, number>()
  #next: number | undefined
  #waiting: Waiting[] = []
  #flushing: Promise<void> | undefined
  #closed = false
  #fullUntil = 0
  pendingBytes = 0

  constructor(options: PartitionOptions) {
    this.#options = options
    mkdirSync(options.dir, { recursive: true })
    this.#root = open<Buffer, number>({
      path: join(options.dir, 'log.mdb'),
      encoding: 'binary',
      noMemInit: true,
      // A group becomes visible only when it is on disk.
      overlappingSync: false,
      maxDbs: 2,
    })
    this.#groups = this.#root.openDB<Buffer, number>({ name: 'groups', encoding: 'binary' })
    this.#meta = this.#root.openDB<number, string>({ name: 'meta', encoding: 'json' })
  }

  append(records: AppendRecord[]): Promise<LogPosition> {
    if (this.#closed) return Promise.reject(new LogError('log_closed', 'the log is closed'))
    let bytes = 0
    for (const record of records) {
      const size = recordBytes(record)
      if (size > MAX_RECORD_BYTES)
        return Promise.reject(
          new LogError('log_too_large', `a record of ${size} bytes; ${MAX_RECORD_BYTES} is the limit`),
        )
      bytes += size
    }
    if (this.pendingBytes + bytes > MAX_PENDING_BYTES)
      return Promise.reject(new LogError('log_full', 'too much waits for the disk; try again'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, bytes, resolve, reject })
      this.pendingBytes += bytes
      this.#flushing ??= this.#flush()
    })
  }

  /** A consumer of this process begins to read here; told how far it has come, and when it ends. */
  follow(): { at(offset: number): void; end(): void } {
    const follower = Symbol('follower')
    this.#followers.set(follower, 0)
    return {
      at: (offset) => {
        this.#followers.set(follower, offset)
        this.#tail.release(Math.min(...this.#followers.values()))
      },
      end: () => void this.#followers.delete(follower),
    }
  }

  /** One flush in flight; what arrives meanwhile shares the next one. */
  async #flush(): Promise<void> {
    // Lets every append of this turn of the event loop join the group.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup()
      try {
        this.#refuseWhenFull()
        const first = this.next()
        const records = group.length === 1 ? group[0]!.records : group.flatMap((waiting) => waiting.records)
        if (records.length > 0) {
          const timestamp = this.#options.now()
          const packed = packGroup(records, timestamp)
          const large = packed.length >= this.#options.squeezeFrom * records.length
          await this.#groups.put(first, large ? await squeezeGroup(packed) : packed)
          this.#next = first + records.length
          if (this.#followers.size > 0) this.#tail.push(first, records, packed.length, timestamp)
          else this.#tail.clear()
        }
        let offset = first
        for (const waiting of group) {
          this.pendingBytes -= waiting.bytes
          waiting.resolve({ partition: this.#options.partition, offset })
          offset += waiting.records.length
        }
        this.#options.onAppended()
      } catch (error) {
        // What became of the write is unknown: ask the store again before the next one.
        this.#next = undefined
        this.#tail.clear()
        const failure = asLogError(error)
        if (failure.code === 'log_full') this.#fullUntil = this.#options.now() + FULL_RETRY_MS
        for (const waiting of group) {
          this.pendingBytes -= waiting.bytes
          waiting.reject(failure)
        }
      }
    }
    this.#flushing = undefined
  }

  #takeGroup(): Waiting[] {
    let bytes = 0
    let count = 0
    let end = 0
    for (; end < this.#waiting.length; end++) {
      const waiting = this.#waiting[end]!
      if (end > 0 && (bytes + waiting.bytes > MAX_GROUP_BYTES || count + waiting.records.length > MAX_GROUP_RECORDS))
        break
      bytes += waiting.bytes
      count += waiting.records.length
    }
    return this.#waiting.splice(0, end)
  }

  #freeCheckedAt = 0
  #refuseWhenFull(): void {
    const now = this.#options.now()
    if (now < this.#fullUntil) throw new LogError('log_full', 'the disk of the log is full; free some space')
    if (now - this.#freeCheckedAt < 200) return
    const { bavail, bsize } = statfsSync(this.#options.dir)
    if (bavail * bsize < this.#options.reserveBytes) {
      this.#fullUntil = now + FULL_RETRY_MS
      throw new LogError('log_full', 'the disk of the log is full; free some space')
    }
    this.#freeCheckedAt = now
  }

  /** Offset the next record gets. */
  next(): number {
    if (this.#next !== undefined) return this.#next
    const last = this.#lastKey()
    const kept = last === undefined ? 0 : last + this.#countOfLast(last)
    const next = Math.max(kept, this.#floor())
    // Only the writing process may keep it: for a reader it moves without notice.
    if (this.#flushing) this.#next = next
    return next
  }

  #knownLast: { key: number; count: number } | undefined
  /**
   * A damaged last group must not make offsets begin before those that consumers have passed, nor leap away: the most
   * it can have held is taken. Remembered by its key, since a group once visible never changes, and idle consumers ask many
   * times a second for what may be megabytes.
   */
  #countOfLast(key: number): number {
    if (this.#knownLast?.key === key) return this.#knownLast.count
    const value = this.#groups.get(key)!
    const count = isSound(value) ? groupHead(value).count : mostRecords(value)
    this.#knownLast = { key, count }
    return count
  }

  /** First offset still kept. */
  first(): { offset: number; timestamp?: number } {
    this.#groups.resetReadTxn()
    for (const { key, value } of this.#groups.getRange({ limit: 1 }))
      return { offset: key, timestamp: groupHead(value).timestamp }
    return { offset: this.next() }
  }

  /** Trimming everything must not begin the offsets anew. */
  #floor(): number {
    this.#meta.resetReadTxn()
    return this.#meta.get(FLOOR) ?? 0
  }

  #lastKey(): number | undefined {
    this.#groups.resetReadTxn()
    for (const key of this.#groups.getKeys({ reverse: true, limit: 1 })) return key
    return undefined
  }

  /**
   * The group that the last read left in the middle: one of fifty thousand small records is not unpacked a hundred times for a reader that takes
   * five hundred at once. A group once visible never changes.
   */
  #unpacked: { key: number; records: LogRecord[] } | undefined

  /**
   * Records from an offset on, whole groups until a bound is passed.
   * A group that fails its checksum is left out and reported; nothing behind it is lost.
   */
  read(
    from: number,
    to: number,
    maxRecords: number,
    maxBytes: number,
    onCorrupt: (error: LogError) => void,
  ): ReadResult {
    // Nothing new: told without touching the last group.
    if (from >= this.next()) return { records: [], next: from, bytes: 0 }
    const fresh = this.#tail.read(from, to, maxRecords, maxBytes)
    if (fresh && fresh.records.length > 0) return { ...fresh, next: fresh.records.at(-1)!.offset + 1 }
    this.#groups.resetReadTxn()
    const records: LogRecord[] = []
    let next = from
    let bytes = 0
    /** Set behind a damaged group: its own count is not to be trusted, the next group's key is. */
    let damaged = false
    for (const { key, value } of this.#groups.getRange({ start: this.#groupStart(from) })) {
      if (damaged) {
        next = Math.max(next, Math.min(key, to))
        damaged = false
      }
      if (key >= to || records.length >= maxRecords || bytes >= maxBytes) break
      if (key + plausibleCount(value) <= from) continue
      let group: LogRecord[]
      try {
        group = this.#unpacked?.key === key ? this.#unpacked.records : unpackGroup(value, key)
        this.#unpacked = undefined
      } catch (error) {
        onCorrupt(asLogError(error))
        damaged = true
        continue
      }
      for (const record of group) {
        if (record.offset < from || record.offset >= to) continue
        if (records.length >= maxRecords) break
        records.push(record)
        bytes += record.value.length
        next = record.offset + 1
      }
      if (records.length < maxRecords) next = Math.min(key + group.length, to)
      else if (next < key + group.length) this.#unpacked = { key, records: group }
    }
    if (damaged) next = Math.max(next, Math.min(this.next(), to))
    return { records, next, bytes }
  }

  /** Key of the group that holds an offset. */
  #groupStart(offset: number): number {
    for (const key of this.#groups.getKeys({ start: offset, reverse: true, limit: 1 })) return key
    return offset
  }

  /** First offset whose group was appended at or after an instant: binary search over the groups. */
  offsetAt(timestamp: number): number {
    this.#groups.resetReadTxn()
    let low = this.first().offset
    let high = this.next()
    while (low < high) {
      const key = this.#groupStart(Math.floor((low + high) / 2))
      const sound = this.#soundFrom(key, high)
      if (sound && groupHead(sound.value).timestamp < timestamp) low = sound.key + groupHead(sound.value).count
      else high = key
    }
    return low
  }

  /** The first group from a key on whose head can be believed. */
  #soundFrom(start: number, end: number): { key: number; value: Buffer } | undefined {
    for (const entry of this.#groups.getRange({ start, end })) if (isSound(entry.value)) return entry
    return undefined
  }

  /** Removes whole groups before an offset; the group that holds it stays. */
  async trim(before: number): Promise<number> {
    const next = this.next()
    let removed = 0
    let last: Promise<boolean> | undefined
    for (const key of this.#groups.getKeys({ end: before, snapshot: false })) {
      const count = plausibleCount(this.#groups.get(key)!)
      if (key + count > before) break
      last = this.#groups.remove(key)
      removed += count
      if (removed % 50_000 < count) await last
    }
    if (removed > 0) {
      await this.#meta.put(FLOOR, next)
    }
    await last
    return removed
  }

  /** Bytes in use. The file itself never shrinks: pages that trimming freed are written again. */
  bytes(): number {
    this.#groups.resetReadTxn()
    const { pageSize, treeBranchPageCount, treeLeafPageCount, overflowPages } = this.#groups.getStats() as Record<
      'pageSize' | 'treeBranchPageCount' | 'treeLeafPageCount' | 'overflowPages',
      number
    >
    return pageSize * (treeBranchPageCount + treeLeafPageCount + overflowPages)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#flushing
    await this.#root.close()
  }
}

const FLOOR = 'floor'

export interface ReadResult {
  records: LogRecord[]
  /** Where to go on: behind the last record, and behind groups left out. */
  next: number
  bytes: number
}

function asLogError(error: unknown): LogError {
  if (error instanceof LogError) return error
  const text = error instanceof Error ? error.message : String(error)
  const full = /ENOSPC|No space|MDB_MAP_FULL|MDB_DISK/i.test(text)
  return new LogError(
    full ? 'log_full' : 'log_unavailable',
    full ? 'the disk of the log is full; free some space' : text,
    {
      cause: error,
    },
  )
}
