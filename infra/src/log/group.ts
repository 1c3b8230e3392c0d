/**
 * A group commit as one value. One value per group instead of one per record doubles what the disk takes, and one CRC
 * guards it.
 *
 * Layout, big endian: crc32 of everything behind it (4), count (4), append time in UTC milliseconds (8, float),
 * then per record: key length (2), value length (4), key (UTF-8), value.
 */
import { crc32 } from 'node:zlib'
import { type AppendRecord, LogError, type LogRecord } from '@heliograph/crm-core/contracts'

const HEAD_BYTES = 16
const RECORD_HEAD_BYTES = 6
const MAX_KEY_BYTES = 0xffff

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

/** How many records a group holds and when it was appended, without checking the rest. */
export function groupHead(group: Buffer): { count: number; timestamp: number } {
  return { count: group.readUInt32BE(4), timestamp: group.readDoubleBE(8) }
}

/** The most records that a group of this size can hold, whatever a damaged head says. */
export function mostRecords(group: Buffer): number {
  return Math.max(1, Math.floor((group.length - HEAD_BYTES) / RECORD_HEAD_BYTES))
}

/** What the head says, within what can be. */
export const plausibleCount = (group: Buffer): number => Math.min(groupHead(group).count, mostRecords(group))

export function isSound(group: Buffer): boolean {
  return group.length >= HEAD_BYTES && crc32(group.subarray(4)) === group.readUInt32BE(0)
}

/**
 * @param first offset of the group's first record
 * @throws LogError `log_corrupt` where the bytes are not those that were written
 */
export function unpackGroup(group: Buffer, first: number): LogRecord[] {
  if (!isSound(group)) throw new LogError('log_corrupt', `log group at offset ${first} does not match its checksum`)
  const { count, timestamp } = groupHead(group)
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
