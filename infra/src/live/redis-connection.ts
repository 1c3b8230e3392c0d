/** Connections to Redis: `redis://user:password@host:6379/0`, `rediss://` over TLS. */
import { isIP } from 'node:net'
import { Redis, type RedisOptions } from 'ioredis'
import { z } from 'zod'
import { addressOf, EngineFaultError, whyUnreachable } from '../engine-fault.ts'

const SETTING = 'HELIO_LIVE_URL'
const PORT = 6379
/** Older ones are no longer mended by who makes them. */
const OLDEST = 7
const CONNECT_MS = 3_000
/** A command that takes longer is given up and its connection begun anew. */
const COMMAND_MS = 5_000
const RETRY_FIRST_MS = 50
const RETRY_MAX_MS = 2_000

const parameters = z.strictObject({
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9:_-]{1,40}$/, { error: 'prefix= is of letters, digits, ":", "_" and "-"' })
    .default('helio'),
})

export interface RedisAddress {
  options: RedisOptions
  /** Begins every key and channel, so that several instances may share a server. */
  prefix: string
  /** For people. */
  shown: string
}

/** @throws EngineFaultError where the URL does not say enough */
export function redisAddress(url: URL): RedisAddress {
  const parsed = parameters.safeParse(Object.fromEntries(url.searchParams))
  if (!parsed.success)
    throw new EngineFaultError(
      SETTING,
      parsed.error.issues
        .map((issue) =>
          issue.code === 'unrecognized_keys' ? `knows no ${issue.keys.join(', ')}=; only prefix` : issue.message,
        )
        .join('; '),
    )
  const db = url.pathname.slice(1)
  if (!url.hostname || !/^\d{0,4}$/.test(db))
    throw new EngineFaultError(
      SETTING,
      'write redis://user:password@host:6379/0, the last being the number of a database',
    )
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    prefix: parsed.data.prefix,
    shown: addressOf(url, PORT),
    options: {
      host,
      port: Number(url.port) || PORT,
      ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
      ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
      db: Number(db || 0),
      ...(url.protocol === 'rediss:' && { tls: isIP(host) ? {} : { servername: host } }),
      protocol: 2,
      lazyConnect: true,
      // What cannot be said now waits with us, newest per key; the client's own queue has no bound.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_MS,
      commandTimeout: COMMAND_MS,
      disableClientInfo: true,
      retryStrategy: (times) =>
        Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(times, 10)) * (0.5 + Math.random() / 2),
    },
  }
}

/** Tries a server before anything is started. @throws EngineFaultError with one line for the operator */
export async function checkRedis(url: URL): Promise<void> {
  const { options, shown } = redisAddress(url)
  const redis = new Redis({ ...options, retryStrategy: null })
  let trouble: unknown
  redis.on('error', (error) => (trouble = error))
  try {
    await redis.connect()
    await redis.ping()
    // A refused user or database is told beside; the connection goes on as somebody else, or on another one.
    if (trouble !== undefined) throw trouble as Error
    const info = await redis.info()
    const version = /^redis_version:(\d+)\S*/m.exec(info)
    if (version !== null && Number(version[1]) < OLDEST)
      throw new EngineFaultError(
        SETTING,
        `${shown} is Redis ${version[0].split(':')[1]}; Redis ${OLDEST} is the oldest that serves`,
      )
    const role = /^role:(\w+)/m.exec(info)?.[1]
    if (role === 'slave')
      throw new EngineFaultError(SETTING, `${shown} is a replica and takes no writes; name the one that it follows`)
  } catch (error) {
    if (error instanceof EngineFaultError) throw error
    // The client says "connection is closed", and what closed it beside.
    throw new EngineFaultError(SETTING, explain(trouble ?? error, shown, url.protocol === 'rediss:'), { cause: error })
  } finally {
    redis.disconnect()
  }
}

function explain(error: unknown, shown: string, tls: boolean): string {
  const message = error instanceof Error ? error.message : String(error)
  if (/^(WRONGPASS|NOAUTH)|invalid password|without any password/i.test(message))
    return `${shown} refuses user name or password`
  if (/^NOPERM/.test(message))
    return `${shown}: the user may not do what is needed (+@all on keys and channels of the prefix)`
  if (/DB index is out of range/.test(message)) return `${shown} has no database of this number`
  // A server without TLS hangs up or waits for more, one with TLS hangs up at plain bytes.
  if (/Connection is closed|ECONNRESET|Protocol error/i.test(message) || (tls && /ETIMEDOUT/.test(message)))
    return `${shown} does not answer in this way; does it speak TLS (rediss://) or not (redis://)?`
  return whyUnreachable(error, shown) ?? `${shown}: ${message.replace(/\s+/g, ' ').slice(0, 200)}`
}
