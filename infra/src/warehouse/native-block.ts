/**
 * Rows of a known table as one block of ClickHouse's Native format: column after column, as the engine keeps them, so that
 * it has next to nothing to parse. Columns that no row of the batch mentions are left out and take their defaults.
 * Format: https://clickhouse.com/docs/interfaces/formats/Native
 */
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

/** How one value of a type becomes bytes of a fixed width. */
interface FixedWidth {
  width: number
  write(buffer: Buffer, value: unknown, at: number): void
}
const toNumber = (value: unknown): number => {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value === undefined || value === null) return 0
  throw new RowError(`not a number: ${String(value)}`)
}
const toInstant = (value: unknown): number => {
  if (value === undefined || value === null) return 0
  const instant = typeof value === 'number' ? value : Date.parse(String(value))
  if (!Number.isFinite(instant)) throw new RowError(`not an instant: ${String(value)}`)
  return instant
}
const integer = (value: unknown, max: number): number => {
  const number = toNumber(value)
  if (!Number.isInteger(number) || number < 0 || number > max) throw new RowError(`not an integer from 0 to ${max}: ${number}`)
  return number
}
const writeUInt64 = (buffer: Buffer, value: number | bigint, at: number): void => {
  if (typeof value === 'bigint') {
    buffer.writeBigUInt64LE(value, at)
  } else {
    const whole = integer(value, Number.MAX_SAFE_INTEGER)
    buffer.writeUInt32LE(whole % 0x1_0000_0000, at)
    buffer.writeUInt32LE(Math.floor(whole / 0x1_0000_0000), at + 4)
  }
}
const FIXED: Readonly<Record<string, FixedWidth>> = {
  UInt8: { width: 1, write: (buffer, value, at) => buffer.writeUInt8(integer(value, 0xff), at) },
  UInt16: { width: 2, write: (buffer, value, at) => buffer.writeUInt16LE(integer(value, 0xffff), at) },
  UInt32: { width: 4, write: (buffer, value, at) => buffer.writeUInt32LE(integer(value, 0xffff_ffff), at) },
  UInt64: { width: 8, write: (buffer, value, at) => writeUInt64(buffer, typeof value === 'bigint' ? value : toNumber(value), at) },
  Float64: { width: 8, write: (buffer, value, at) => buffer.writeDoubleLE(toNumber(value), at) },
  Date: {
    width: 2,
    write: (buffer, value, at) => buffer.writeUInt16LE(integer(Math.floor(toInstant(value) / 86_400_000), 0xffff), at),
  },
  "DateTime('UTC')": {
    width: 4,
    write: (buffer, value, at) => buffer.writeUInt32LE(integer(Math.floor(toInstant(value) / 1000), 0xffff_ffff), at),
  },
  "DateTime64(3, 'UTC')": {
    width: 8,
    write: (buffer, value, at) => {
      const instant = Math.round(toInstant(value))
      const high = Math.floor(instant / 0x1_0000_0000)
      buffer.writeUInt32LE(instant - high * 0x1_0000_0000, at)
      buffer.writeInt32LE(high, at + 4)
    },
  },
}

function fixed({ width, write }: FixedWidth): Encoder {
  return (out, rows, name) => {
    const start = out.reserve(width * rows.length)
    const buffer = out.buffer
    for (let row = 0; row < rows.length; row++) write(buffer, rows[row]![name], start + row * width)
  }
}
function nullable({ width, write }: FixedWidth): Encoder {
  return (out, rows, name) => {
    const nulls = out.reserve(rows.length * (1 + width))
    const start = nulls + rows.length
    const buffer = out.buffer
    for (let row = 0; row < rows.length; row++) {
      const value = rows[row]![name]
      const absent = value === undefined || value === null
      buffer[nulls + row] = absent ? 1 : 0
      write(buffer, absent ? 0 : value, start + row * width)
    }
  }
}
const toText = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return ''
  throw new RowError(`not a text: ${JSON.stringify(value)}`)
}
/** Texts that repeat within a batch (ids, vendor names) are encoded once. */
function text(repeats: boolean): Encoder {
  return (out, rows, name) => {
    let last: string | undefined
    let lastBytes: Buffer | undefined
    const known = new Map<string, Buffer>()
    for (const row of rows) {
      const value = toText(row[name])
      if (!repeats) {
        out.string(value)
        continue
      }
      if (value !== last || !lastBytes) {
        lastBytes = known.get(value)
        if (!lastBytes) {
          const single = new ByteWriter(80)
          single.string(value)
          lastBytes = single.finish()
          if (known.size < 10_000) known.set(value, lastBytes)
        }
        last = value
      }
      out.bytes(lastBytes)
    }
  }
}
/** Lists: the running ends of all rows first, then the values of all rows as one column. */
function list(element: Encoder): Encoder {
  return (out, rows, name) => {
    const values: Row[] = []
    const start = out.reserve(8 * rows.length)
    for (let row = 0; row < rows.length; row++) {
      const entries = rows[row]![name]
      if (entries !== undefined && entries !== null) {
        if (!Array.isArray(entries)) throw new RowError(`not a list: ${JSON.stringify(entries)}`)
        for (const value of entries as unknown[]) values.push({ value })
      }
      writeUInt64(out.buffer, values.length, start + row * 8)
    }
    element(out, values, 'value')
  }
}

/** The type as it is sent (dictionaries are made by the engine) and its encoder. */
function encoderOf(type: string): { sent: string; encode: Encoder } | undefined {
  const dictionary = /^LowCardinality\((.+)\)$/.exec(type)
  if (dictionary) return dictionary[1] === 'String' ? { sent: 'String', encode: text(true) } : undefined
  if (type === 'String') return { sent: 'String', encode: text(false) }
  const width = FIXED[type]
  if (width) return { sent: type, encode: fixed(width) }
  const optional = FIXED[/^Nullable\((.+)\)$/.exec(type)?.[1] ?? '']
  if (optional) return { sent: type, encode: nullable(optional) }
  const array = /^Array\((.+)\)$/.exec(type)
  const element = array ? encoderOf(array[1]!) : undefined
  return element ? { sent: `Array(${element.sent})`, encode: list(element.encode) } : undefined
}

/**
 * One block and the names of its columns.
 * @throws RowError where a row has a column the table does not, or a value that is not of its column's type
 */
export function encodeNativeBlock(rows: readonly Row[], columns: readonly ColumnType[]): { columns: string[]; bytes: Buffer } {
  const present = new Set<string>()
  for (const row of rows) for (const name in row) if (row[name] !== undefined) present.add(name)
  const sent = columns.filter(({ name }) => present.delete(name))
  if (present.size > 0) throw new RowError(`no such column: ${[...present].join(', ')}`)
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
