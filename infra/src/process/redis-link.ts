/**
 * The link between role processes on several machines: the same small messages as over a supervisor's IPC, by Redis. Every
 * process hears what is said to all of its kind and to itself, and what is said to its role while it plays it; of several that
 * play a role the first answer counts, and what is for one of them is claimed by the first.
 * Nothing that must survive goes this way.
 */
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { redisAddress } from '../live/redis-connection.ts'
import { createLink, isLinkMessage, type Link, type LinkMessage, SUPERVISOR } from './link.ts'

/** Of one message; a larger one is a live batch that the next one replaces. */
const MAX_BYTES = 8 * 1024 * 1024

/** A message for one of several is known to be taken for so long; it reaches all of them at once. */
const CLAIMED_MS = 60_000

export interface RedisLink {
  link: Link
  start(): Promise<void>
  /** From now on what is said to the role is heard, beside what is said to this process. */
  playRole(): Promise<void>
  stop(): void
}

/** @param url of the live engine */
export function createRedisLink(role: string, url: URL): RedisLink {
  const { options, prefix } = redisAddress(url)
  const self = `${role}#${randomUUID()}`
  const channelOf = (to: string): string => `${prefix}:link:${to}`
  const sending = new Redis({ ...options, connectionName: `helio-link-${role}` })
  const hearing = new Redis({ ...options, connectionName: `helio-link-${role}-hearing` })
  // What is lost while the server is away is asked again, or said again, by who needs it.
  for (const redis of [sending, hearing]) redis.on('error', () => undefined)

  function post(message: LinkMessage): boolean {
    // Role processes are watched by whoever started them; there is no supervisor to ask.
    if (message.to === SUPERVISOR) {
      if (message.id !== undefined)
        setImmediate(() => link.deliver({ ...message, reply: true, error: 'there is no supervisor' }))
      return false
    }
    const text = JSON.stringify(message)
    if (sending.status !== 'ready' || text.length > MAX_BYTES) return false
    sending.publish(channelOf(message.to), text).catch(() => undefined)
    return true
  }
  /** The first that says so has it. Where the server cannot be asked any more, done twice is better than never. */
  const isMine = (once: string): Promise<boolean> =>
    sending.set(`${prefix}:link:once:${once}`, self, 'PX', CLAIMED_MS, 'NX').then(
      (answer) => answer === 'OK',
      () => true,
    )
  const everyOf = (name: string): string => `${name}*`
  const link = createLink(self, post, everyOf)
  hearing.on('message', (_channel: string, text: string) => {
    try {
      const message: unknown = JSON.parse(text)
      if (!isLinkMessage(message)) return
      if (message.once === undefined) link.deliver(message)
      else
        void isMine(message.once).then((mine) => {
          if (mine) link.deliver(message)
        })
    } catch {
      // Somebody else's words on our channel.
    }
  })
  const channels = [channelOf(self), channelOf(everyOf(role))]
  const subscribe = async (): Promise<void> => {
    await hearing.subscribe(...channels).catch(() => hearing.disconnect(true))
  }
  hearing.on('ready', () => void subscribe())
  return {
    link,
    async start() {
      await Promise.all([sending.connect(), hearing.connect()])
    },
    async playRole() {
      channels.push(channelOf(role))
      // Where the server is away: when it is back.
      if (hearing.status === 'ready') await subscribe()
    },
    stop() {
      sending.disconnect()
      hearing.disconnect()
    },
  }
}
