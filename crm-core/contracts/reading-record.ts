/**
 * A reading's bytes in the log. Readings are most of what the line writes, and of one device they differ in a few numbers: those stand
 * as numbers, what repeats stands in front of them as text that is made once, and what few readings have follows as JSON.
 *
 * Layout: version (1 byte), length of the head (2 bytes, big endian), head (JSON, UTF-8: who, from where, status, names of the metrics), then as
 * 64-bit floats, big endian: time, arrival, partition, offset and revision of the raw message, the metrics in the order of their
 * names; then the rest (JSON, UTF-8), or nothing.
 */
import { KnownHeads } from './known-heads.ts'
import type { ReadingRecord } from './log-records.ts'
import type { Metric } from './metrics.ts'
import type { Metrics, RawRef } from './reading.ts'

export const READING_RECORD_VERSION = 2

type Head = Pick<ReadingRecord, 'tenantId' | 'siteId' | 'deviceId' | 'source' | 'status'> &
  Pick<RawRef, 'connectionId'> & { metrics: Metric[] }
type Rest = Omit<ReadingRecord, keyof Head | 'ts' | 'receivedAt' | 'metrics' | 'rawRef'>
/** A field that a reading gets is one of these, or has a place of its own above. */
const REST_FIELDS = Object.keys({
  quality: true,
  extra: true,
  faults: true,
  dc: true,
  ac: true,
  replayId: true,
  traceparent: true,
} satisfies Record<keyof Rest, true>) as (keyof Rest)[]

const HEAD_AT = 3
const PLACE_NUMBERS = 5
const MAX_HEADS = 50_000
const MAX_HEAD_BYTES = 0xffff
const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder('utf-8', { fatal: true })

interface KnownHead {
  head: Head
  bytes: Uint8Array
}

/**
 * A writer that knows the heads of the devices it has written.
 * @param allocate where a record's bytes come from; a server passes its pooled allocation. May hold old content.
 */
export function createReadingWriter(
  allocate: (size: number) => Uint8Array = (size) => new Uint8Array(size),
): (reading: ReadingRecord) => Uint8Array {
  const known = new Map<string, KnownHead>()
  return (reading) => {
    const { deviceId, metrics, rawRef } = reading
    let found = known.get(deviceId)
    if (!found || !isHeadOf(found.head, reading)) {
      found = headOf(reading)
      if (known.size >= MAX_HEADS) known.clear()
      known.set(deviceId, found)
    }
    const { bytes, head } = found
    const rest = restOf(reading)
    const numbersAt = HEAD_AT + bytes.length
    const restAt = numbersAt + (PLACE_NUMBERS + head.metrics.length) * 8
    const record = allocate(restAt + (rest?.length ?? 0))
    record[0] = READING_RECORD_VERSION
    record[1] = bytes.length >>> 8
    record[2] = bytes.length & 0xff
    record.set(bytes, HEAD_AT)
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
    view.setFloat64(numbersAt, reading.ts)
    view.setFloat64(numbersAt + 8, reading.receivedAt)
    view.setFloat64(numbersAt + 16, rawRef.partition)
    view.setFloat64(numbersAt + 24, rawRef.offset)
    view.setFloat64(numbersAt + 32, rawRef.revision)
    let at = numbersAt + PLACE_NUMBERS * 8
    for (const name of head.metrics) {
      view.setFloat64(at, metrics[name]!)
      at += 8
    }
    if (rest) record.set(rest, restAt)
    return record
  }
}

function isHeadOf(head: Head, { tenantId, siteId, source, status, metrics, rawRef }: ReadingRecord): boolean {
  if (
    head.siteId !== siteId ||
    head.status !== status ||
    head.tenantId !== tenantId ||
    head.source !== source ||
    head.connectionId !== rawRef.connectionId
  )
    return false
  let count = 0
  for (const name in metrics) if (metrics[name as Metric] !== undefined && head.metrics[count++] !== name) return false
  return count === head.metrics.length
}
function headOf({ tenantId, siteId, deviceId, source, status, metrics, rawRef }: ReadingRecord): KnownHead {
  const { connectionId } = rawRef
  const head: Head = { tenantId, siteId, deviceId, source, status, connectionId, metrics: namesOf(metrics) }
  const bytes = utf8.encode(JSON.stringify(head))
  if (bytes.length > MAX_HEAD_BYTES) throw new RangeError(`head of a reading of ${bytes.length} bytes`)
  return { head, bytes }
}
const namesOf = (metrics: Metrics): Metric[] =>
  (Object.keys(metrics) as Metric[]).filter((name) => metrics[name] !== undefined)
function restOf(reading: ReadingRecord): Uint8Array | undefined {
  let rest: Partial<Record<keyof Rest, unknown>> | undefined
  for (const name of REST_FIELDS) {
    const value = reading[name]
    if (value === undefined || (name === 'quality' && reading.quality.length === 0)) continue
    rest ??= {}
    rest[name] = value
  }
  return rest && utf8.encode(JSON.stringify(rest))
}

const heads = new KnownHeads((text) => JSON.parse(text) as Head)

/** @throws RangeError, SyntaxError or TypeError where the bytes are not those of a reading */
export function readReading(record: Uint8Array): ReadingRecord {
  const numbersAt = HEAD_AT + ((record[1]! << 8) | record[2]!)
  const head = heads.of(record, HEAD_AT, numbersAt)
  const { tenantId, siteId, deviceId, source, status, connectionId } = head
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength)
  const metrics: Metrics = {}
  let at = numbersAt + PLACE_NUMBERS * 8
  for (const name of head.metrics) {
    metrics[name] = view.getFloat64(at)
    at += 8
  }
  const reading: ReadingRecord = {
    tenantId,
    siteId,
    deviceId,
    ts: view.getFloat64(numbersAt),
    receivedAt: view.getFloat64(numbersAt + 8),
    source,
    metrics,
    quality: [],
    rawRef: {
      connectionId,
      partition: view.getFloat64(numbersAt + 16),
      offset: view.getFloat64(numbersAt + 24),
      revision: view.getFloat64(numbersAt + 32),
    },
  }
  if (status !== undefined) reading.status = status
  return at < record.length
    ? Object.assign(reading, JSON.parse(fromUtf8.decode(record.subarray(at))) as Partial<Rest>)
    : reading
}
