/**
 * Rows of a known table as one block of ClickHouse's Native format: column after column, as the engine keeps them, so that
 * it has next to nothing to parse. Columns that no row of the batch mentions are left out and take their defaults.
 * Format: https://clickhouse.com/docs/interfaces/formats/Native
 */
import { endianness } from 'node:os'

export interface ColumnType {
  name: string
  /** As `system.columns` tells it. */
  type: string
}
type Row = Readonly<Record<string, unknown>>
type Encoder = (out: ByteWriter, rows: readonly Row[], name: string) => void

export class RowError extends Error {}

/** Bytes that grow by doubling. */
export class ByteWriter {
  #buffer: Buffer
  #length = 0
  constructor(capacity = 64 * 1024) {
    this.#buffer = Buffer.allocUnsafe(capacity)
  }
  /** Room for that many bytes; returns where they begin in `buffer`. */
  reserve(bytes: number): number {
    const at = this.#length
    this.#length += bytes
    if (this.#length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length))
      this.#buffer.copy(grown, 0, 0, at)
      this.#buffer = grown
    }
    return at
  }
  get buffer(): Buffer {
    return this.#buffer
  }
  varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      const at = this.reserve(1)
      this.#buffer[at] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    const at = this.reserve(1)
    this.#buffer[at] = rest
  }
  bytes(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.#buffer.set(bytes, at)
  }
  string(text: string): void {
    const length = Buffer.byteLength(text)
    this.varint(length)
    const at = this.reserve(length)
    this.#buffer.write(text, at, length, 'utf8')
  }
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }
}

if (endianness() !== 'LE')
  throw new Error('blocks are written in the byte order of the machine, which must be little endian')

/** A list of numbers of one width, and how a value gets into it. */
interface FixedWidth {
  array(length: number): Float64Array | BigInt64Array | Uint32Array | Uint16Array | Uint8Array | BigUint64Array
  /** Fills `to` from the rows; absent values become zero and are told to `absent`. */
  fill(to: ArrayLike<unknown>, rows: readonly Row[], name: string, absent?: Uint8Array): void
}
/** Numbers as they are, after a check. */
function numbers<T extends Float64Array | Uint32Array | Uint16Array | Uint8Array>(
  array: (length: number) => T,
  convert: (value: unknown) => number,
): FixedWidth {
  return {
    array,
    fill(to, rows, name, absent) {
      const target = to as T
      for (let row = 0; row < rows.length; row++) {
        const value = rows[row]![name]
        if (value === undefined || value === null) {
          if (absent) absent[row] = 1
        } else target[row] = convert(value)
      }
    },
  }
}
/** 64-bit integers from numbers that are exact, or big integers. */
function bigs(convert: (value: unknown) => bigint | number): FixedWidth {
  return {
    array: (length) => new BigInt64Array(length),
    fill(to, rows, name, absent) {
      const words = new Uint32Array((to as BigInt64Array).buffer)
      for (let row = 0; row < rows.length; row++) {
        const value = rows[row]![name]
        if (value === undefined || value === null) {
          if (absent) absent[row] = 1
          continue
        }
        const number = convert(value)
        if (typeof number === 'bigint') {
          ;(to as BigInt64Array)[row] = number
        } else {
          // Two halves: a big integer per value would cost an allocation each.
          const high = Math.floor(number / 0x1_0000_0000)
          words[row * 2] = number - high * 0x1_0000_0000
          words[row * 2 + 1] = high
        }
      }
    },
  }
}
const toNumber = (value: unknown): number => {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  throw new RowError(`not a number: ${String(value)}`)
}
const toInstant = (value: unknown): number => {
  const instant = typeof value === 'number' ? value : Date.parse(String(value))
  if (!Number.isFinite(instant)) throw new RowError(`not an instant: ${String(value)}`)
  return instant
}
const upTo =
  (max: number) =>
  (value: unknown): number => {
    const number = toNumber(value)
    if (!Number.isInteger(number) || number < 0 || number > max)
      throw new RowError(`not an integer from 0 to ${max}: ${number}`)
    return number
  }
const exact = upTo(Number.MAX_SAFE_INTEGER)
const upTo16 = upTo(0xffff)
const upTo32 = upTo(0xffff_ffff)
const FIXED: Readonly<Record<string, FixedWidth>> = {
  UInt8: numbers((length) => new Uint8Array(length), upTo(0xff)),
  UInt16: numbers((length) => new Uint16Array(length), upTo16),
  UInt32: numbers((length) => new Uint32Array(length), upTo32),
  UInt64: bigs((value) => (typeof value === 'bigint' ? value : exact(value))),
  Float64: numbers((length) => new Float64Array(length), toNumber),
  Date: numbers(
    (length) => new Uint16Array(length),
    (value) => upTo16(Math.floor(toInstant(value) / 86_400_000)),
  ),
  "DateTime('UTC')": numbers(
    (length) => new Uint32Array(length),
    (value) => upTo32(Math.floor(toInstant(value) / 1000)),
  ),
  "DateTime64(3, 'UTC')": bigs((value) => Math.round(toInstant(value))),
}
const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

function fixed(width: FixedWidth): Encoder {
  return (out, rows, name) => {
    const values = width.array(rows.length)
    width.fill(values, rows, name)
    out.bytes(bytesOf(values))
  }
}
function nullable(width: FixedWidth): Encoder {
  return (out, rows, name) => {
    const nulls = new Uint8Array(rows.length)
    const values = width.array(rows.length)
    width.fill(values, rows, name, nulls)
    out.bytes(nulls)
    out.bytes(bytesOf(values))
  }
}
const toText = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return ''
  throw new RowError(`not a text: ${JSON.stringify(value)}`)
}
const text: Encoder = (out, rows, name) => {
  for (const row of rows) out.string(toText(row[name]))
}

/** Layout of the keys: without a dictionary shared between blocks. */
const KEYS_IN_BLOCK = 1n
/** Index width in the low byte; the block brings its own keys, and they are all there are. */
const OWN_KEYS = (1 << 9) | (1 << 10)
/** Texts that repeat (ids, vendor names): each once, and numbers instead of it. */
const dictionary: Encoder = (out, rows, name) => {
  const keys = new Map<string, number>()
  const indexes = new Uint32Array(rows.length)
  let last: string | undefined
  let lastIndex = 0
  for (let row = 0; row < rows.length; row++) {
    const value = toText(rows[row]![name])
    if (value !== last) {
      const known = keys.get(value)
      if (known === undefined) {
        lastIndex = keys.size
        keys.set(value, lastIndex)
      } else lastIndex = known
      last = value
    }
    indexes[row] = lastIndex
  }
  const width = keys.size <= 0x100 ? 0 : keys.size <= 0x1_0000 ? 1 : 2
  out.bytes(bytesOf(BigUint64Array.of(KEYS_IN_BLOCK, BigInt(OWN_KEYS | width), BigInt(keys.size))))
  for (const key of keys.keys()) out.string(key)
  out.bytes(bytesOf(BigUint64Array.of(BigInt(rows.length))))
  out.bytes(bytesOf(width === 0 ? Uint8Array.from(indexes) : width === 1 ? Uint16Array.from(indexes) : indexes))
}
/** Lists: the running ends of all rows first, then the values of all rows as one column. */
function list(element: Encoder): Encoder {
  return (out, rows, name) => {
    const values: Row[] = []
    const ends = new BigUint64Array(rows.length)
    let end = 0n
    for (let row = 0; row < rows.length; row++) {
      const entries = rows[row]![name]
      if (entries !== undefined && entries !== null) {
        if (!Array.isArray(entries)) throw new RowError(`not a list: ${JSON.stringify(entries)}`)
        for (const value of entries as unknown[]) values.push({ value })
        end = BigInt(values.length)
      }
      ends[row] = end
    }
    out.bytes(bytesOf(ends))
    element(out, values, 'value')
  }
}

/** The type as it is sent and its encoder. */
function encoderOf(type: string, within = false): { sent: string; encode: Encoder } | undefined {
  // In a list the keys would stand before the ends; plain texts do there.
  if (type === 'LowCardinality(String)')
    return within ? { sent: 'String', encode: text } : { sent: type, encode: dictionary }
  if (type === 'String') return { sent: 'String', encode: text }
  const width = FIXED[type]
  if (width) return { sent: type, encode: fixed(width) }
  const optional = FIXED[/^Nullable\((.+)\)$/.exec(type)?.[1] ?? '']
  if (optional) return { sent: type, encode: nullable(optional) }
  const array = /^Array\((.+)\)$/.exec(type)
  const element = array ? encoderOf(array[1]!, true) : undefined
  return element ? { sent: `Array(${element.sent})`, encode: list(element.encode) } : undefined
}

/** Names that any row has. Rows of one batch are made alike, so most are the same as in the row before. */
function namesOf(rows: readonly Row[]): Set<string> {
  const names = new Set<string>()
  const before: string[] = []
  for (const row of rows) {
    let index = 0
    for (const name in row) {
      if (before[index] !== name) {
        before[index] = name
        names.add(name)
      }
      index++
    }
  }
  return names
}

/**
 * One block and the names of its columns.
 * @param always columns that are sent though no row mentions them, so that blocks of one insert have the same
 * @throws RowError where a row has a column the table does not, or a value that is not of its column's type
 */
export function encodeNativeBlock(
  rows: readonly Row[],
  columns: readonly ColumnType[],
  always?: ReadonlySet<string>,
): { columns: string[]; bytes: Buffer } {
  const known = new Set(columns.map(({ name }) => name))
  const mentioned = namesOf(rows)
  for (const name of mentioned) if (!known.has(name)) throw new RowError(`no such column: ${name}`)
  const sent = columns.filter(
    ({ name }) => always?.has(name) || (mentioned.has(name) && rows.some((row) => row[name] !== undefined)),
  )
  const out = new ByteWriter(Math.max(64 * 1024, rows.length * sent.length * 12))
  out.varint(sent.length)
  out.varint(rows.length)
  for (const { name, type } of sent) {
    const encoder = encoderOf(type)
    if (!encoder) throw new RowError(`column ${name} has a type that is not written here: ${type}`)
    out.string(name)
    out.string(encoder.sent)
    try {
      encoder.encode(out, rows, name)
    } catch (error) {
      throw error instanceof RowError ? new RowError(`column ${name}: ${error.message}`) : error
    }
  }
  return { columns: sent.map(({ name }) => name), bytes: out.finish() }
}
