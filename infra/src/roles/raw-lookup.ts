import {
  type ConnectionId,
  decodeRaw,
  LogRecordError,
  type Log,
  type RawMessage,
  TOPICS,
} from '@heliograph/crm-core/contracts'

/** Single messages of the raw log by their place. Undefined where the log has forgotten them, or cannot read them any more. */
export function createRawLookup(log: Log): (partition: number, offset: number) => Promise<RawMessage | undefined> {
  return async (partition, offset) => {
    for await (const records of log.read({
      topic: TOPICS.raw,
      partition,
      from: offset,
      to: offset + 1,
    })) {
      const record = records.find((one) => one.offset === offset)
      if (!record) continue
      try {
        return decodeRaw(record.value)
      } catch (error) {
        if (error instanceof LogRecordError) return undefined
        throw error
      }
    }
    return undefined
  }
}

/** Records at the end of each partition that are looked through for one connection: a second or so of a busy line. */
const SCANNED_PER_PARTITION = 5_000

/**
 * The newest messages of one connection, newest first, among the last few thousand of each partition. The end of the log is in
 * memory, so looking costs little, and what one look costs is bounded however busy the line is.
 */
export function createRawTail(
  log: Log,
): (
  connectionId: ConnectionId,
  limit: number,
) => Promise<{ messages: (RawMessage & { partition: number; offset: number })[]; scanned: number }> {
  return async (connectionId, limit) => {
    const found: (RawMessage & { partition: number; offset: number })[] = []
    let scanned = 0
    for (const { partition, first, next } of await log.bounds(TOPICS.raw)) {
      const mine: typeof found = []
      const from = Math.max(first, next - SCANNED_PER_PARTITION)
      for await (const records of log.read({ topic: TOPICS.raw, partition, from, to: next })) {
        scanned += records.length
        for (const { key, offset, value } of records) {
          // Keys begin with the connection; a shard that the vendor reads from the topic may follow.
          if (!key.startsWith(connectionId)) continue
          try {
            const message = decodeRaw(value)
            if (message.connectionId === connectionId) mine.push({ ...message, partition, offset })
          } catch (error) {
            if (!(error instanceof LogRecordError)) throw error
          }
          if (mine.length > limit) mine.shift()
        }
      }
      found.push(...mine)
    }
    found.sort((a, b) => b.receivedAt - a.receivedAt || b.offset - a.offset)
    return { messages: found.slice(0, limit), scanned }
  }
}
