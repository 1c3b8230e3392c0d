/**
 * Whether the edges must push back: the line behind the log is too far behind, or the log too large for its disk. Looked at
 * now and then, so that the hot path only reads a flag.
 */
import { statfs } from 'node:fs/promises'
import { TOPICS } from '@heliograph/crm-core/contracts'
import { DECODE_GROUP } from '@heliograph/ingest'
import type { RoleContext } from './context.ts'
import { lagOf } from './log-progress.ts'

const EVERY_MS = 1_000
/** Records that decoding may be behind; at a few hundred bytes each this is some gigabytes of disk, no memory. */
const MAX_LAG_RECORDS = 20_000_000
const MAX_SHARE_OF_DISK = 0.8

export interface Pressure {
  high(): boolean
  reason(): string | undefined
  stop(): void
}

export function createPressure({ log, settings, logger }: RoleContext): Pressure {
  let reason: string | undefined
  let limit = settings.logMaxBytes
  const look = async (): Promise<void> => {
    const was = reason
    if (limit === undefined) {
      const { bavail, bsize } = await statfs(settings.dataDir)
      limit = (await log.size()) + bavail * bsize * MAX_SHARE_OF_DISK
    }
    const [size, lag] = await Promise.all([log.size(), lagOf(log, TOPICS.raw, DECODE_GROUP)])
    reason =
      lag > MAX_LAG_RECORDS
        ? `decoding is ${lag} records behind`
        : size > limit
          ? `the log takes ${size} bytes and ${limit} are allowed`
          : undefined
    if (reason !== was) logger.warn({ reason: reason ?? 'over' }, 'back-pressure')
  }
  const timer = setInterval(
    () => void look().catch((error: unknown) => logger.error({ err: error }, 'pressure')),
    EVERY_MS,
  )
  return {
    high: () => reason !== undefined,
    reason: () => reason,
    stop: () => clearInterval(timer),
  }
}
