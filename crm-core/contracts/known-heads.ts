/** Most records of a fleet begin alike. What stands in the same bytes is read once. */

const utf8 = new TextDecoder('utf-8', { fatal: true })
/** Beyond this many everything is forgotten: a fleet of that size fills it again within a minute. */
const MAX_KNOWN = 20_000

/** What a head's text says, kept by its bytes. */
export class KnownHeads<Head> {
  readonly #read: (text: string) => Head
  readonly #known = new Map<number, { bytes: Uint8Array; head: Head }>()

  constructor(read: (text: string) => Head) {
    this.#read = read
  }

  /** Of `record` from one index up to another. */
  of(record: Uint8Array, from: number, to: number): Head {
    const hash = hashOf(record, from, to)
    const found = this.#known.get(hash)
    if (found && found.bytes.length === to - from && holds(record, from, found.bytes)) return found.head
    const bytes = record.slice(from, to)
    const head = this.#read(utf8.decode(bytes))
    if (this.#known.size >= MAX_KNOWN) this.#known.clear()
    this.#known.set(hash, { bytes, head })
    return head
  }
}

/** Whether `bytes` stand in the record from an index on. */
export function holds(record: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) if (record[at + index] !== bytes[index]) return false
  return true
}
/** FNV-1a, 32 bits. */
function hashOf(record: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let index = from; index < to; index++) hash = Math.imul(hash ^ record[index]!, 0x01000193)
  return hash
}
