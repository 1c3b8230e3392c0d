/**
 * A group commit as one value. One value per group instead of one per record doubles what the disk takes, and one CRC
 * guards it.
 *
 * Layout, big endian: crc32 of everything behind it (4), count (4), append time in UTC milliseconds (8, float),
 * then per record: key length (2), value length (4), key (UTF-8), value. Where the count's highest bit is set, the size of all
 * records (4) follows the time, and then the records as one Zstandard frame.
 */
import { promisify } from 'node:util'
import { constants, crc32, zstdCompress, zstdDecompressSync } from 'node:zlib'
import { type AppendRecord, LogError, type LogRecord } from '@heliograph/crm-core/contracts'

const HEAD_BYTES = 16
const RECORD_HEAD_BYTES = 6
const MAX_KEY_BYTES = 0xffff
const SQUEEZED = 0x8000_0000
/** Smaller groups are those of a calm line, where a frame would cost more than it saves. */
const SQUEEZE_FROM_BYTES = 64 * 1024
/** No disk in use writes faster than the lowest level packs, off the event loop. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const compress = promisify(zstdCompress)

export const recordBytes = (record: AppendRecord): number =>
  RECORD_HEAD_BYTES + Buffer.byteLength(record.key) + record.value.length

/** @param timestamp append time, UTC milliseconds */
export function packGroup(records: readonly AppendRecord[], timestamp: number): Buffer {
  let size = HEAD_BYTES
  for (const record of records) size += recordBytes(record)
  const group = Buffer.allocUnsafe(size)
  group.writeUInt32BE(records.length, 4)
  group.writeDoubleBE(timestamp, 8)
  let at = HEAD_BYTES
  for (const record of records) {
    const keyBytes = group.write(record.key, at + RECORD_HEAD_BYTES)
    if (keyBytes > MAX_KEY_BYTES) throw new LogError('log_too_large', `log key of ${keyBytes} bytes`)
    group.writeUInt16BE(keyBytes, at)
    group.writeUInt32BE(record.value.length, at + 2)
    at += RECORD_HEAD_BYTES + keyBytes
    group.set(record.value, at)
    at += record.value.length
  }
  group.writeUInt32BE(crc32(group.subarray(4)), 0)
  return group
}

/**
 * A large group with its records compressed: readings repeat each other and take a fifteenth. A small one as it is.
 * @param group as `packGroup` made it
 */
export async function squeezeGroup(group: Buffer): Promise<Buffer> {
  if (group.length < SQUEEZE_FROM_BYTES) return group
  const records = group.subarray(HEAD_BYTES)
  const frame = await compress(records, LEVEL)
  if (frame.length + 4 >= records.length) return group
  const squeezed = Buffer.allocUnsafe(HEAD_BYTES + 4 + frame.length)
  group.copy(squeezed, 0, 0, HEAD_BYTES)
  squeezed.writeUInt32BE((group.readUInt32BE(4) | SQUEEZED) >>> 0, 4)
  squeezed.writeUInt32BE(records.length, HEAD_BYTES)
  frame.copy(squeezed, HEAD_BYTES + 4)
  squeezed.writeUInt32BE(crc32(squeezed.subarray(4)), 0)
  return squeezed
}
const isSqueezed = (group: Buffer): boolean => (group.readUInt32BE(4) & SQUEEZED) !== 0
/** The group as it was packed. */
function released(group: Buffer): Buffer {
  if (!isSqueezed(group)) return group
  const bytes = group.readUInt32BE(HEAD_BYTES)
  const records = zstdDecompressSync(group.subarray(HEAD_BYTES + 4), { maxOutputLength: bytes })
  return Buffer.concat([group.subarray(0, HEAD_BYTES), records])
}

/** How many records a group holds and when it was appended, without checking the rest. */
export function groupHead(group: Buffer): { count: number; timestamp: number } {
  return { count: group.readUInt32BE(4) & ~SQUEEZED, timestamp: group.readDoubleBE(8) }
}

/** The most records that a group of this size can hold, whatever a damaged head says. */
export function mostRecords(group: Buffer): number {
  const bytes = isSqueezed(group) ? Math.min(group.readUInt32BE(HEAD_BYTES), MOST_BYTES) : group.length - HEAD_BYTES
  return Math.max(1, Math.floor(bytes / RECORD_HEAD_BYTES))
}
/** A frame's own size is not to be trusted where its head is damaged. */
const MOST_BYTES = 64 * 1024 * 1024

/** What the head says, within what can be. */
export const plausibleCount = (group: Buffer): number => Math.min(groupHead(group).count, mostRecords(group))

export function isSound(group: Buffer): boolean {
  return group.length >= HEAD_BYTES && crc32(group.subarray(4)) === group.readUInt32BE(0)
}

/**
 * @param stored as the disk has it
 * @param first offset of the group's first record
 * @throws LogError `log_corrupt` where the bytes are not those that were written
 */
export function unpackGroup(stored: Buffer, first: number): LogRecord[] {
  if (!isSound(stored)) throw new LogError('log_corrupt', `log group at offset ${first} does not match its checksum`)
  const { count, timestamp } = groupHead(stored)
  const group = released(stored)
  const records: LogRecord[] = new Array<LogRecord>(count)
  let at = HEAD_BYTES
  for (let index = 0; index < count; index++) {
    const keyBytes = group.readUInt16BE(at)
    const valueBytes = group.readUInt32BE(at + 2)
    at += RECORD_HEAD_BYTES
    const key = group.toString('utf8', at, at + keyBytes)
    at += keyBytes
    records[index] = { offset: first + index, key, value: group.subarray(at, at + valueBytes), timestamp }
    at += valueBytes
  }
  return records
}
