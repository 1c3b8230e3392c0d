/**
 * Everything that lies in the log, and how it becomes bytes. Each record starts with a version byte; readers accept both versions, and a
 * test keeps records of each readable.
 *
 * Layout of a raw record: version 1 (1 byte), length of the header (4 bytes, big endian), header (JSON, UTF-8), body (as it came).
 * Layout of a reading: version 2, see `reading-record.ts`; earlier ones are as all others.
 * Layout of every other record: version 1 (1 byte), JSON (UTF-8).
 */
import { holds, KnownHeads } from './known-heads.ts'
import { READING_RECORD_VERSION, readReading } from './reading-record.ts'
import type { ConnectionId, DeviceId, ReplayId, SiteId, TenantId } from './ids.ts'
import type { DecodedReading, RawRef, Reading } from './reading.ts'

export const LOG_RECORD_VERSION = 1

export const TOPICS = {
  raw: 'raw',
  readings: 'readings',
  /** Readings of replays, for stores that read the log; the warehouse has them already. */
  replayed: 'replayed',
  unclaimed: 'unclaimed',
  deadLetter: 'dead-letter',
  alarms: 'alarms',
  /** Domain events from the CRM's outbox: registry changes, revocations, replay requests, tickets. */
  events: 'events',
  /** Messages for devices, from the decoders to the edges. Worthless after half a minute. */
  downlinks: 'downlinks',
  /** Progress of replays, told back to the CRM. */
  replays: 'replays',
  /** Heads of the tenants' audit trails, written down apart from the trails. */
  anchors: 'anchors',
} as const
export type Topic = (typeof TOPICS)[keyof typeof TOPICS]

export type Transport = 'mqtt' | 'webhook' | 'http' | 'broker' | 'poll' | 'import'

/** What the edge stamps on a message before it appends the untouched bytes. */
export interface RawHeader {
  tenantId: TenantId
  connectionId: ConnectionId
  vendor: string
  transport: Transport
  /** UTC milliseconds. */
  receivedAt: number
  /** MQTT topic as the device published it, or path of the request. */
  topic?: string
  contentType?: string
  /** MQTT retain flag. */
  retain?: boolean
  /** The sender's id of the message, where the scheme has one (Standard Webhooks `webhook-id`). */
  messageId?: string
  /** Zone for local times without an offset: the import's `--timezone`. */
  timezone?: string
  /** Set on the few messages that are traced: W3C `traceparent` of the edge's step. */
  traceparent?: string
  /** History brought in on purpose: exempt from the clock limits, judged by nobody. */
  backfill?: boolean
}
export interface RawMessage extends RawHeader {
  body: Uint8Array
}

/** Record on `readings`, and of those decoded again on `replayed`. */
export interface ReadingRecord extends Reading {
  /** Set on readings of a replay: they correct numbers and never raise, clear or notify. */
  replayId?: ReplayId
  /** Of the step that decoded it, where its message is traced. */
  traceparent?: string
}
/** A stretch of raw messages that was decoded again: rows that an earlier revision made of them and this one did not are gone. */
export interface ReplayChunk {
  tenantId: TenantId
  connectionId: ConnectionId
  partition: number
  fromOffset: number
  toOffset: number
  revision: number
  /** Only rows of this device are touched (claims); all devices of the connection otherwise. */
  deviceId?: DeviceId
}
/** Record on `unclaimed`: a reading whose device nobody has linked; or, with `deviceId`, what a linked one tells anew of itself. */
export interface UnclaimedRecord {
  tenantId: TenantId
  connectionId: ConnectionId
  vendor: string
  receivedAt: number
  reading: DecodedReading
  rawRef: RawRef
  /** Seen again by a replay: makes a row where there is none, counts nothing twice. */
  replayId?: ReplayId
  /** The device it is of: its values are on their way to the stores, here are only its `attributes`. */
  deviceId?: DeviceId
}
/** Record on `dead-letter`: what could not be decoded, with its bytes. */
export interface DeadLetterRecord {
  id: string
  tenantId: TenantId
  connectionId: ConnectionId
  vendor: string
  transport: Transport
  topic?: string
  receivedAt: number
  reason: DeadLetterReason
  detail: string
  rawRef: RawRef
  /** Base64 of the message's bytes. */
  body: string
}
export const DEAD_LETTER_REASONS = [
  'not-utf8',
  'not-json',
  'unknown-format',
  'invalid-field',
  'out-of-bounds',
  'too-large',
  'too-deep',
  'missing-birth',
  'store-refused',
  'decoder-error',
] as const
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number]

/** Record on `downlinks`. */
export interface DownlinkRecord {
  connectionId: ConnectionId
  vendor: string
  topic: string
  /** Base64. */
  body: string
  /** When the message that asked for it arrived, UTC milliseconds. */
  at: number
}
/** Record on `alarms`. The id is derived from (rule, originator, start), so judging twice gives one alarm. */
export interface AlarmRecord {
  id: string
  action: 'raised' | 'cleared' | 'updated'
  tenantId: TenantId
  siteId: SiteId
  deviceId?: DeviceId
  type: string
  severity: 'critical' | 'major' | 'minor' | 'info'
  message: string
  details?: Record<string, unknown>
  /** UTC milliseconds of what happened, on the clock the rule uses. */
  at: number
  /** Judged on late data: recorded, wakes nobody. */
  historic: boolean
}
/** Record on `replays`. */
export interface ReplayProgressRecord {
  replayId: ReplayId
  tenantId: TenantId
  state: 'running' | 'done' | 'failed'
  done: number
  total: number
  error?: string
}
/** Record on `anchors`: how far a tenant's audit trail had come. */
export interface AnchorRecord {
  tenantId: TenantId
  seq: number
  hash: string
  /** UTC milliseconds. */
  at: number
}

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder('utf-8', { fatal: true })

export class LogRecordError extends Error {
  readonly code = 'log_record_unreadable'
}

export function encodeRaw(header: RawHeader, body: Uint8Array): Uint8Array {
  const head = utf8.encode(JSON.stringify(header))
  const record = new Uint8Array(5 + head.length + body.length)
  record[0] = LOG_RECORD_VERSION
  new DataView(record.buffer).setUint32(1, head.length)
  record.set(head, 5)
  record.set(body, 5 + head.length)
  return record
}
/**
 * A stamper for many messages that share a header: each call gives the bytes `encodeRaw` would give, the constant part
 * turned into bytes only once.
 * @param allocate where a record's bytes come from; a server passes its pooled allocation. May hold old content.
 */
export function createRawStamper(
  constant: Omit<RawHeader, 'receivedAt'>,
  allocate: (size: number) => Uint8Array = (size) => new Uint8Array(size),
): (receivedAt: number, body: Uint8Array) => Uint8Array {
  const start = utf8.encode(`${JSON.stringify(constant).slice(0, -1)},"receivedAt":`)
  return (receivedAt, body) => {
    const digits = String(receivedAt)
    const headLength = start.length + digits.length + 1
    const record = allocate(5 + headLength + body.length)
    record[0] = LOG_RECORD_VERSION
    record[1] = headLength >>> 24
    record[2] = (headLength >>> 16) & 0xff
    record[3] = (headLength >>> 8) & 0xff
    record[4] = headLength & 0xff
    record.set(start, 5)
    let at = 5 + start.length
    for (let index = 0; index < digits.length; index++) record[at++] = digits.charCodeAt(index)
    record[at++] = 0x7d
    record.set(body, at)
    return record
  }
}
/** @throws LogRecordError where the bytes are no raw record of a known version */
export function decodeRaw(record: Uint8Array): RawMessage {
  const { head, body } = splitRaw(record)
  return { ...(JSON.parse(head) as RawHeader), body }
}
/**
 * A reader for many raw records, most of which share their header but for the time of arrival: each call gives what
 * `decodeRaw` would give, a header that was seen before is not parsed again.
 */
export function createRawReader(): (record: Uint8Array) => RawMessage {
  const heads = new KnownHeads((text) => JSON.parse(`${text}}`) as Omit<RawHeader, 'receivedAt'>)
  return (record) => {
    const length = headLength(record)
    const end = 5 + length
    // How a stamped header ends: `,"receivedAt":` and digits. A text within it cannot, since its quotes are escaped.
    let digits = end - 1
    let receivedAt = 0
    for (let place = 1; digits > 5; digits--, place *= 10) {
      const code = record[digits - 1]! - 48
      if (code < 0 || code > 9) break
      receivedAt += code * place
    }
    const start = digits - STAMP.length
    if (
      start <= 5 ||
      digits === end - 1 ||
      end - 1 - digits > 15 ||
      record[end - 1] !== 0x7d ||
      !holds(record, start, STAMP)
    )
      return decodeRaw(record)
    return { ...heads.of(record, 5, start), receivedAt, body: record.subarray(end) }
  }
}
const STAMP = utf8.encode(',"receivedAt":')

/** @throws LogRecordError */
function headLength(record: Uint8Array): number {
  checkVersion(record)
  const length =
    record.length >= 5 ? ((record[1]! << 24) | (record[2]! << 16) | (record[3]! << 8) | record[4]!) >>> 0 : Infinity
  if (5 + length > record.length) throw new LogRecordError('raw record is shorter than its header says')
  return length
}
function splitRaw(record: Uint8Array): { head: string; body: Uint8Array } {
  const end = 5 + headLength(record)
  return { head: fromUtf8.decode(record.subarray(5, end)), body: record.subarray(end) }
}

/** Every record but raw ones and readings: a version byte and JSON. */
export function encodeRecord(value: object): Uint8Array {
  const text = JSON.stringify(value)
  // Written where there is room for the worst case, then copied: a record must not keep three times its size alive.
  if (scratch.length <= text.length * 3) scratch = new Uint8Array(text.length * 3 + 1)
  const { written } = utf8.encodeInto(text, scratch)
  const record = new Uint8Array(1 + written)
  record[0] = LOG_RECORD_VERSION
  record.set(scratch.subarray(0, written), 1)
  if (scratch.length > MAX_SCRATCH_BYTES) scratch = new Uint8Array(0)
  return record
}
let scratch = new Uint8Array(16 * 1024)
const MAX_SCRATCH_BYTES = 1024 * 1024
/** @throws LogRecordError where the bytes are no record of a known version */
export function decodeRecord<T extends object>(record: Uint8Array): T {
  if (record[0] === READING_RECORD_VERSION) return decodeReading(record) as T
  checkVersion(record)
  return JSON.parse(fromUtf8.decode(record.subarray(1))) as T
}
function decodeReading(record: Uint8Array): ReadingRecord {
  try {
    return readReading(record)
  } catch (cause) {
    throw new LogRecordError('a reading in the log is not readable', { cause })
  }
}
/**
 * What a record from the log holds: as the producer handed it over where that is at hand, else read from the bytes.
 * @throws LogRecordError where the bytes are no record of a known version
 */
export function contentOf<T extends object>(record: { value: Uint8Array; decoded?: object }): T {
  return (record.decoded as T | undefined) ?? decodeRecord<T>(record.value)
}

function checkVersion(record: Uint8Array): void {
  const version = record[0]
  if (version !== LOG_RECORD_VERSION) throw new LogRecordError(`log record of unknown version ${version ?? 'none'}`)
}
