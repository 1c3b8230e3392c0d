/** Reads a topic's partitions for one group: one loop a partition, at its own pace, saving the offset after the handler. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { BatchControl, ConsumeOptions, LogBatch, LogConsumer, LogError } from '@heliograph/crm-core/contracts'
import type { openGroups } from './lmdb-groups.ts'
import type { LmdbPartition } from './lmdb-partition.ts'

/** Records of another process are found by looking: often while they flow, seldom while they do not. */
const POLL_MIN_MS = 1
const POLL_MAX_MS = 15
/** A partition that another process makes is found within this time. */
const LANES_EVERY_MS = 250
/** A store that comes back is used again within seconds: what waits meanwhile must be caught up soon. */
const BACKOFF_FIRST_MS = 250
const BACKOFF_MAX_MS = 5_000

interface Source {
  lanes(): number[]
  partition(lane: number): LmdbPartition
  onAppended(lane: number, wake: () => void): () => void
  groups: ReturnType<typeof openGroups>
  onCorrupt(lane: number): (error: LogError) => void
  stopped(): void
}

export function createConsumer(options: ConsumeOptions, source: Source): LogConsumer {
  const maxRecords = options.maxRecords ?? 2_000
  const maxBytes = options.maxBytes ?? 8 * 1024 * 1024
  const stopping = new AbortController()
  const loops = new Map<number, Promise<void>>()
  let paused: PromiseWithResolvers<void> | undefined

  const loop = async (lane: number): Promise<void> => {
    const partition = source.partition(lane)
    let wake: (() => void) | undefined
    const unsubscribe = source.onAppended(lane, () => wake?.())
    const follower = partition.follow()
    /** Sleeps until something was appended here or the time is over. */
    const rest = async (milliseconds: number): Promise<void> => {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      wake = undefined
    }
    const { topic, group } = options
    const given = options.positions?.find((position) => position.partition === lane)
    let at = (await options.assigned?.(lane)) ?? given?.offset ?? source.groups.offset(topic, group, lane)
    if (at === undefined) {
      at = options.startAt === 'next' ? partition.next() : 0
      await source.groups.saveOffset(topic, group, lane, at)
    }
    // After a power cut the log may end before an offset that a consumer already saved: those records were never
    // acknowledged to anybody and their offsets are given anew.
    at = Math.min(at, partition.next())
    let idleMs = POLL_MIN_MS
    let failures = 0
    try {
      while (!stopping.signal.aborted) {
        if (paused) {
          await paused.promise
          continue
        }
        follower.at(at)
        let read = partition.read(at, Infinity, maxRecords, maxBytes, source.onCorrupt(lane))
        if (read.records.length === 0) {
          if (read.next > at) {
            if (options.passed) options.passed({ partition: lane, offset: read.next })
            else await source.groups.saveOffset(topic, group, lane, read.next)
          }
          at = read.next
          await rest(idleMs)
          idleMs = Math.min(idleMs * 2, POLL_MAX_MS)
          continue
        }
        idleMs = POLL_MIN_MS
        if (options.lingerMs && read.records.length < maxRecords && read.bytes < maxBytes) {
          await sleep(options.lingerMs)
          read = partition.read(at, Infinity, maxRecords, maxBytes, source.onCorrupt(lane))
        }
        const batch: LogBatch = {
          topic,
          partition: lane,
          records: read.records,
          lag: Math.max(0, partition.next() - read.next),
        }
        let keep = false
        const control: BatchControl = { signal: stopping.signal, keepOffset: () => (keep = true) }
        try {
          await options.handle(batch, control)
          at = read.next
          failures = 0
          if (!keep) await source.groups.saveOffset(topic, group, lane, at)
          else if (at > read.records.at(-1)!.offset + 1) options.passed?.({ partition: lane, offset: at })
        } catch (error) {
          options.onError?.(error, batch)
          const wait = Math.min(BACKOFF_FIRST_MS * 2 ** failures, BACKOFF_MAX_MS)
          failures++
          await sleep(wait, undefined, { signal: stopping.signal }).catch(() => undefined)
        }
      }
    } finally {
      unsubscribe()
      follower.end()
    }
  }

  const watch = (async () => {
    while (!stopping.signal.aborted) {
      for (const lane of source.lanes()) if (!loops.has(lane)) loops.set(lane, loop(lane))
      await sleep(LANES_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  })()

  return {
    async stop() {
      stopping.abort()
      paused?.resolve()
      await watch
      await Promise.all(loops.values())
      source.stopped()
    },
    pause() {
      paused ??= Promise.withResolvers<void>()
    },
    resume() {
      paused?.resolve()
      paused = undefined
    },
    async commit({ partition, offset }) {
      await source.groups.saveOffset(options.topic, options.group, partition, offset)
    },
    async lag() {
      let lag = 0
      for (const lane of source.lanes())
        lag += source.partition(lane).next() - (source.groups.offset(options.topic, options.group, lane) ?? 0)
      return Math.max(0, lag)
    },
  }
}
