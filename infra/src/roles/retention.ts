/** Forgets what need not be kept: raw messages after their days or beyond their share of the disk, the others once handled. */
import { type Topic, TOPICS } from '@heliograph/crm-core/contracts'
import { DECODE_GROUP } from '@heliograph/ingest'
import { SERIES_GROUP } from '@heliograph/stream'
import { isEmbedded, PORTS } from '../engines.ts'
import type { RoleContext } from './context.ts'

const EVERY_MS = 60_000
/** From this share of its limit on, the log gives up its oldest raw messages, this share of them at a time. */
const NEAR_LIMIT = 0.9
const SHARE_GIVEN_UP = 0.1
const DAY_MS = 86_400_000
/** Consumers rewind at most half an hour after a power cut; a day leaves room for an engine that is down for long. */
const HANDLED_MS = DAY_MS
const HANDLED_BY: Partial<Record<Topic, string[]>> = {
  [TOPICS.readings]: ['store', 'live'],
  [TOPICS.replayed]: [],
  [TOPICS.deadLetter]: ['store'],
  [TOPICS.unclaimed]: ['desk'],
  [TOPICS.alarms]: ['desk'],
  [TOPICS.replays]: ['desk'],
}

const SERIES_TOPICS: readonly Topic[] = [TOPICS.readings, TOPICS.replayed]

export function startRetention({ log, settings, logger }: RoleContext): { stop(): void } {
  const hasSeries = !isEmbedded(PORTS.series, settings.engineUrls.series)
  const sweep = async (): Promise<void> => {
    const now = Date.now()
    for (const { partition } of await log.bounds(TOPICS.raw)) {
      const offset = await log.offsetAt(TOPICS.raw, partition, now - settings.rawRetentionDays * DAY_MS)
      await log.trim(TOPICS.raw, { partition, offset })
    }
    await trimToShare()
    for (const [topic, groups] of Object.entries(HANDLED_BY) as [Topic, string[]][])
      for (const { partition } of await log.bounds(topic)) {
        let offset = await log.offsetAt(topic, partition, now - HANDLED_MS)
        for (const group of [...groups, ...(hasSeries && SERIES_TOPICS.includes(topic) ? [SERIES_GROUP] : [])]) {
          const saved = (await log.committed(topic, group)).find((position) => position.partition === partition)
          offset = Math.min(offset, saved?.offset ?? 0)
        }
        await log.trim(topic, { partition, offset })
      }
    for (const topic of [TOPICS.events, TOPICS.downlinks])
      for (const { partition } of await log.bounds(topic))
        await log.trim(topic, { partition, offset: await log.offsetAt(topic, partition, now - 7 * DAY_MS) })
  }
  /** Raw messages that are decoded go early where the log comes near its limit, so that edges need not push back. */
  const trimToShare = async (): Promise<void> => {
    const size = await log.size()
    if (settings.logMaxBytes === undefined || size < settings.logMaxBytes * NEAR_LIMIT) return
    for (const { partition, first, next } of await log.bounds(TOPICS.raw)) {
      const decoded = (await log.committed(TOPICS.raw, DECODE_GROUP)).find(
        (position) => position.partition === partition,
      )
      const offset = Math.min(first + Math.ceil((next - first) * SHARE_GIVEN_UP), decoded?.offset ?? first)
      logger.warn(
        { partition, from: first, to: offset },
        'raw messages are forgotten before their days are over: the log is nearly full',
      )
      await log.trim(TOPICS.raw, { partition, offset })
    }
  }
  const timer = setInterval(
    () => void sweep().catch((error: unknown) => logger.error({ err: error }, 'retention')),
    EVERY_MS,
  )
  return { stop: () => clearInterval(timer) }
}
