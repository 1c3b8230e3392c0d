/**
 * How the processes of one instance talk: small messages over Node's IPC, passed on by the supervisor to the process that
 * plays a role. Nothing that must survive goes this way; what must survive goes through the log.
 */
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

export const SUPERVISOR = 'supervisor'

export interface LinkMessage {
  link: true
  to: string
  from: string
  kind: string
  body?: unknown
  /** Set on requests and, with `reply`, on their answers. */
  id?: number
  reply?: true
  error?: string
  /** For one of those that hear it; the same for all of them. */
  once?: string
}
export const isLinkMessage = (message: unknown): message is LinkMessage =>
  typeof message === 'object' && message !== null && 'link' in message && message.link === true

type Handler = (body: unknown, from: string) => unknown
export interface Link {
  readonly name: string
  /**
   * Sends without waiting.
   * @returns false when the channel is busy: what can be left out, such as a live value that a newer one replaces, should be
   */
  send(to: string, kind: string, body?: unknown): boolean
  /** The same, and of several that play the role one acts: for what must not be done by each of them. */
  sendToOne(role: string, kind: string, body?: unknown): boolean
  /** Rejects after the time-out, or when nobody plays the role. */
  request<T>(to: string, kind: string, body?: unknown, timeoutMs?: number): Promise<T>
  /**
   * Asks every process that plays or may come to play a role. Resolves with what those said that answered in time and without an
   * error; rejects when nobody did.
   */
  requestAll<T>(to: string, kind: string, body?: unknown, timeoutMs?: number): Promise<T[]>
  on(kind: string, handler: Handler): void
}

/** Answers of several are waited for so long: who has more to say is asked again soon. */
const GATHER_MS = 500
const REQUEST_MS = 2_000

/**
 * A link over a transport of messages; `deliver` takes what arrives.
 * @param everyOf the address that all processes of a role hear; absent: there is one of each
 */
export function createLink(
  name: string,
  post: (message: LinkMessage) => boolean,
  everyOf?: (role: string) => string,
): Link & { deliver(message: LinkMessage): void } {
  const handlers = new Map<string, Handler>()
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let nextId = 1

  async function answer(message: LinkMessage): Promise<void> {
    const { from: to, kind, id } = message
    const reply: LinkMessage = { link: true, to, from: name, kind, id, reply: true }
    try {
      const handler = handlers.get(kind)
      if (!handler) throw new Error(`${name} does not answer "${kind}"`)
      reply.body = await handler(message.body, message.from)
    } catch (error) {
      reply.error = error instanceof Error ? error.message : String(error)
    }
    post(reply)
  }

  async function gather<T>(role: string, kind: string, body: unknown, timeoutMs: number): Promise<T[]> {
    const id = nextId++
    const answers: T[] = []
    waiting.set(id, { resolve: (value) => void answers.push(value as T), reject: () => undefined })
    post({ link: true, to: everyOf!(role), from: name, kind, body, id })
    await sleep(timeoutMs)
    waiting.delete(id)
    if (answers.length === 0) throw new Error(`${role} did not answer "${kind}" in ${timeoutMs} ms`)
    return answers
  }

  const link: Link & { deliver(message: LinkMessage): void } = {
    name,
    requestAll: async (to, kind, body, timeoutMs = REQUEST_MS) =>
      everyOf
        ? await gather(to, kind, body, Math.min(timeoutMs, GATHER_MS))
        : [await link.request(to, kind, body, timeoutMs)],
    send: (to, kind, body) => post({ link: true, to, from: name, kind, body }),
    sendToOne: (to, kind, body) =>
      post({ link: true, to, from: name, kind, body, ...(everyOf && { once: randomUUID() }) }),
    request<T>(to: string, kind: string, body?: unknown, timeoutMs = REQUEST_MS) {
      const id = nextId++
      return new Promise<T>((resolve, reject) => {
        const end = (): void => {
          clearTimeout(timer)
          waiting.delete(id)
        }
        const timer = setTimeout(() => {
          end()
          reject(new Error(`${to} did not answer "${kind}" in ${timeoutMs} ms`))
        }, timeoutMs)
        waiting.set(id, {
          resolve(value) {
            end()
            resolve(value as T)
          },
          reject(error) {
            end()
            reject(error)
          },
        })
        post({ link: true, to, from: name, kind, body, id })
      })
    },
    on(kind, handler) {
      handlers.set(kind, handler)
    },
    deliver(message) {
      if (message.reply) {
        const asker = waiting.get(message.id!)
        if (message.error === undefined) asker?.resolve(message.body)
        else asker?.reject(new Error(message.error))
      } else if (message.id !== undefined) void answer(message)
      else handlers.get(message.kind)?.(message.body, message.from)
    },
  }
  return link
}

/** The link of a child process to its siblings. */
export function childLink(name: string): Link {
  const link = createLink(name, (message) => {
    if (!process.connected || !process.send) return false
    return process.send(message)
  })
  process.on('message', (message) => {
    if (isLinkMessage(message)) link.deliver(message)
  })
  return link
}

/** Passes messages on between children; the supervisor's own link takes part under its name. */
export function createSwitchboard() {
  const children = new Map<string, ChildProcess>()
  const own = createLink(SUPERVISOR, pass)
  function pass(message: LinkMessage): boolean {
    if (message.to === SUPERVISOR) {
      own.deliver(message)
      return true
    }
    const child = children.get(message.to)
    if (!child?.connected) {
      if (message.id !== undefined && !message.reply) refuse(message)
      return false
    }
    return child.send(message, () => undefined)
  }
  function refuse({ from, to, kind, id }: LinkMessage): void {
    pass({ link: true, to: from, from: to, kind, id, reply: true, error: `${to} is not running` })
  }
  return {
    link: own as Link,
    attach(name: string, child: ChildProcess) {
      children.set(name, child)
      child.on('message', (message) => {
        if (isLinkMessage(message)) pass(message)
      })
      child.once('exit', () => {
        if (children.get(name) === child) children.delete(name)
      })
    },
  }
}
