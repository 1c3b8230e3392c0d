/**
 * The newest groups that this process wrote, kept as they were handed over: consumers of the same process that keep up
 * read them from here, without a look at the disk and without reading the bytes again. Only what is on disk comes in, and what
 * all of them have passed goes: what is kept for a moment only costs next to nothing to clear away.
 */
import type { AppendRecord, LogRecord } from '@heliograph/crm-core/contracts'

/** What the values of the kept groups may take, bytes. Their decoded content takes about three times as much beside. */
const MAX_TAIL_BYTES = 12 * 1024 * 1024

interface Group {
  records: readonly LogRecord[]
  first: number
  next: number
  bytes: number
}

export class Tail {
  readonly #groups: Group[] = []
  #bytes = 0

  /** @param timestamp append time, UTC milliseconds */
  push(first: number, records: readonly AppendRecord[], bytes: number, timestamp: number): void {
    const next = first + records.length
    // A gap (a failed write, another writer) makes what was kept useless: a reader must not skip over it.
    if (this.#groups.length > 0 && this.#groups.at(-1)!.next !== first) this.clear()
    this.#groups.push({
      records: records.map(({ key, value, decoded }, index): LogRecord => {
        const offset = first + index
        return decoded ? { offset, key, value, timestamp, decoded } : { offset, key, value, timestamp }
      }),
      first,
      next,
      bytes,
    })
    this.#bytes += bytes
    let old = 0
    while (this.#bytes > MAX_TAIL_BYTES) this.#bytes -= this.#groups[old++]!.bytes
    this.#groups.splice(0, old)
  }

  /** Forgets groups that end at or before an offset: everybody here is past them. */
  release(offset: number): void {
    let old = 0
    while (old < this.#groups.length && this.#groups[old]!.next <= offset) this.#bytes -= this.#groups[old++]!.bytes
    if (old > 0) this.#groups.splice(0, old)
  }

  clear(): void {
    this.#groups.length = 0
    this.#bytes = 0
  }

  /** Records from an offset on; undefined where that is older than what is kept. */
  read(
    from: number,
    to: number,
    maxRecords: number,
    maxBytes: number,
  ): { records: LogRecord[]; bytes: number } | undefined {
    if (this.#groups.length === 0 || from < this.#groups[0]!.first) return undefined
    const records: LogRecord[] = []
    let bytes = 0
    for (const group of this.#groups) {
      if (group.next <= from) continue
      if (group.first >= to || bytes >= maxBytes) break
      for (let index = Math.max(0, from - group.first); index < group.records.length; index++) {
        const record = group.records[index]!
        if (records.length >= maxRecords || record.offset >= to) return { records, bytes }
        records.push(record)
        bytes += record.value.length
      }
    }
    return { records, bytes }
  }
}
