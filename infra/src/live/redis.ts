/**
 * The live bus of several processes on Redis. Each keeps a mirror of its own, so that reading never waits; Redis passes changes
 * on and keeps the newest value per key for who starts later. Nothing here must survive: what Redis loses (a restart, a
 * FLUSHALL) it is given again from the mirrors, and while it is down each process goes on with what it hears itself.
 */
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { LiveBus, LiveValue } from '@heliograph/crm-core/contracts'
import { createMemoryLive } from './memory.ts'
import { redisAddress } from './redis-connection.ts'

/** Values of one command: a moment of the server's only thread. */
const BATCH = 500
/** Keys that wait while the server is down, newest value each; as many as a mirror keeps. */
const MAX_WAITING = 500_000
/** Keys in the server; beyond, those that changed longest ago go. */
const MAX_KEYS = 500_000
const LOOK_MS = 1_000
const TRIM_EVERY_MS = 3_600_000
const START_WAIT_MS = 3_000
const STOP_WAIT_MS = 1_000

/**
 * Keeps what is not older than what is there and tells everybody of it, at once or not at all.
 * KEYS: values, mark. ARGV: sender, mark to set, then key, ts, value for each. Answers the mark that was there before.
 */
const PUBLISH = `
local before = redis.call('GET', KEYS[2])
if not before then redis.call('SET', KEYS[2], ARGV[2]) end
local taken = {}
for i = 3, #ARGV, 3 do
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  local ts = known and tonumber(string.match(known, '^[^|]+'))
  if not ts or ts <= tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. '|' .. ARGV[i + 2])
    taken[#taken + 1] = ARGV[i + 2]
  end
end
if #taken > 0 then redis.call('PUBLISH', KEYS[3], ARGV[1] .. '|[' .. table.concat(taken, ',') .. ']') end
return before`

interface PublishingRedis extends Redis {
  helioPublish(...args: (string | number)[]): Promise<string | null>
}

export interface RedisLiveOptions {
  onListenerError?(error: unknown): void
  /** Told when the server is lost, and when it is there again. */
  onState?(up: boolean, detail: string): void
}

/** @throws EngineFaultError where the URL does not say enough */
export function createRedisLive(url: URL, options: RedisLiveOptions = {}): LiveBus {
  const { options: connection, prefix, shown } = redisAddress(url)
  const [valuesKey, markKey, channel] = [`${prefix}:live`, `${prefix}:live:mark`, `${prefix}:live:changes`]
  const self = randomUUID()
  const mirror = createMemoryLive(options)
  const waiting = new Map<string, LiveValue>()
  const commands = new Redis({ ...connection, connectionName: 'helio-live' }) as PublishingRedis
  const changes = new Redis({ ...connection, connectionName: 'helio-live-changes' })
  commands.defineCommand('helioPublish', { numberOfKeys: 3, lua: PUBLISH })
  /** The server's life that this process has given everything to. */
  let mark: string | undefined
  let flushing: Promise<void> | undefined
  let stopping = false
  let timer: NodeJS.Timeout | undefined
  let trimmedAt = 0
  let trouble: string | undefined = 'not connected yet'

  function say(found: string | undefined): void {
    if ((found === undefined) !== (trouble === undefined) && !stopping)
      options.onState?.(found === undefined, found ?? shown)
    trouble = found
  }

  /** Takes in what came from elsewhere; what is known already is told to nobody. */
  function takeIn(values: LiveValue[]): void {
    const fresh = values.filter((value) => {
      const known = mirror.get(value.key)
      return (
        known === undefined ||
        value.ts > known.ts ||
        (value.ts === known.ts && !isDeepStrictEqual(value.value, known.value))
      )
    })
    if (fresh.length > 0) mirror.publish(fresh)
  }

  function enqueue(values: LiveValue[]): void {
    for (const value of values) {
      const known = waiting.get(value.key)
      if (known !== undefined && known.ts > value.ts) continue
      // Deleted first: the map stays in the order of change, and the oldest goes where there is no room.
      waiting.delete(value.key)
      waiting.set(value.key, value)
      if (waiting.size > MAX_WAITING) waiting.delete(waiting.keys().next().value!)
    }
  }

  /** One batch under way at a time: a slow server makes fewer and fuller ones. */
  function flush(): Promise<void> {
    flushing ??= sendWaiting().finally(() => {
      flushing = undefined
    })
    return flushing
  }
  async function sendWaiting(): Promise<void> {
    try {
      while (waiting.size > 0 && commands.status === 'ready') {
        const batch: LiveValue[] = []
        for (const value of waiting.values()) if (batch.push(value) >= BATCH) break
        const args = batch.flatMap((value) => [value.key, value.ts, JSON.stringify(value)])
        const before = await commands.helioPublish(valuesKey, markKey, channel, self, self, ...args)
        // A newer value that came meanwhile stays.
        for (const value of batch) if (waiting.get(value.key) === value) waiting.delete(value.key)
        noticeMark(before ?? self, before === null)
      }
      if (commands.status === 'ready') say(undefined)
    } catch (error) {
      say(error instanceof Error ? error.message : String(error))
    }
  }

  /** Another mark, or none: the server has lost what it had. */
  function noticeMark(found: string, lost: boolean): void {
    if (found === mark && !lost) return
    const first = mark === undefined
    mark = found
    if (!first) enqueue(mirror.all())
  }

  /** What others said while this process was not there. */
  async function takeSnapshot(): Promise<void> {
    let cursor = '0'
    do {
      const [next, fields] = await commands.hscan(valuesKey, cursor, 'COUNT', BATCH)
      takeIn(fields.flatMap((field, index) => (index % 2 === 1 ? parsed(field.slice(field.indexOf('|') + 1)) : [])))
      cursor = next
    } while (cursor !== '0' && !stopping)
  }

  /** Whether the server is the one we knew; from time to time, whether it keeps too much. */
  async function look(): Promise<void> {
    if (commands.status !== 'ready') return say(`${shown} does not answer`)
    try {
      const found = await commands.get(markKey)
      if (found === null) {
        await commands.set(markKey, self, 'NX')
        noticeMark(self, mark !== undefined)
      } else noticeMark(found, false)
      await flush()
      if (Date.now() - trimmedAt > TRIM_EVERY_MS) {
        trimmedAt = Date.now()
        await trim()
      }
    } catch (error) {
      say(error instanceof Error ? error.message : String(error))
    }
  }
  async function trim(): Promise<void> {
    const excess = (await commands.hlen(valuesKey)) - MAX_KEYS
    if (excess <= 0) return
    const times: [string, number][] = []
    let cursor = '0'
    do {
      const [next, fields] = await commands.hscan(valuesKey, cursor, 'COUNT', BATCH)
      for (let at = 0; at + 1 < fields.length; at += 2) times.push([fields[at]!, Number.parseFloat(fields[at + 1]!)])
      cursor = next
    } while (cursor !== '0')
    const oldest = times.sort((a, b) => a[1] - b[1]).slice(0, excess)
    for (let at = 0; at < oldest.length; at += BATCH)
      await commands.hdel(valuesKey, ...oldest.slice(at, at + BATCH).map(([key]) => key))
  }

  changes.on('message', (_channel: string, text: string) => {
    const end = text.indexOf('|')
    if (text.slice(0, end) !== self) takeIn(parsed(text.slice(end + 1)))
  })
  // Subscribed first, asked for everything then: nothing falls between.
  changes.on('ready', () => {
    void (async () => {
      await changes.subscribe(channel)
      while (commands.status !== 'ready' && !stopping) await sleep(50)
      await takeSnapshot()
    })().catch((error: unknown) => {
      say(error instanceof Error ? error.message : String(error))
      // Begun anew, so that what was missed is asked for again.
      if (!stopping) changes.disconnect(true)
    })
  })
  commands.on('ready', () => void look())
  for (const redis of [commands, changes]) redis.on('error', (error: Error) => say(error.message))

  return {
    ...mirror,
    async start() {
      const ready = new Promise<void>((resolve) => commands.once('ready', () => resolve()))
      // Without it the process starts all the same: it hears its own values, and the rest when the server is there.
      for (const redis of [commands, changes]) redis.connect().catch(() => undefined)
      timer = setInterval(() => void look(), LOOK_MS)
      const limit = new AbortController()
      await Promise.race([ready, sleep(START_WAIT_MS, undefined, { signal: limit.signal }).catch(() => undefined)])
      limit.abort()
      if (commands.status === 'ready') await takeSnapshot().catch(() => undefined)
    },
    async stop() {
      clearInterval(timer)
      await Promise.race([flush(), sleep(STOP_WAIT_MS)])
      stopping = true
      commands.disconnect()
      changes.disconnect()
      await mirror.stop()
    },
    publish(values) {
      mirror.publish(values)
      enqueue(values)
      void flush()
    },
    health: () => ({ ok: trouble === undefined, ...(trouble !== undefined && { detail: trouble }) }),
  }
}

/** Values as another process of ours said them; nothing where it is no such text. */
function parsed(text: string): LiveValue[] {
  try {
    const found = JSON.parse(text) as LiveValue | LiveValue[]
    return Array.isArray(found) ? found : [found]
  } catch {
    return []
  }
}
