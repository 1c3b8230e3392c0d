/** Replays in a thread of their own: however long one takes, live messages are decoded and stored meanwhile. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Registry } from '@heliograph/crm-core'
import type { DomainEvent, LogPosition } from '@heliograph/crm-core/contracts'
import type { ReplayRequest } from '@heliograph/ingest'
import type { ReplayEffects } from '@heliograph/stream'
import type { Logger } from 'pino'
import type { FromReplayThread, ReplayThreadData, ToReplayThread } from './replay-thread.ts'

/** The first claim should not wait for a thread to start; nor should the start of the process. */
const WARM_UP_MS = 3_000
const RESTART_MS = 1_000
const STOP_MS = 3_000

export interface ReplaysDeps {
  registry: Registry
  logger: Logger
  /** Told of what replays have stored. */
  onStored(effects: ReplayEffects): void
}
export interface Replays {
  /** What the registry has learned, told in order with `run`. */
  event(event: DomainEvent): void
  /**
   * Runs a replay behind the others; one that was asked for already is left alone.
   * @param upTo where live decoding stands: what lies behind it is decoded live
   */
  run(request: ReplayRequest, upTo: LogPosition[]): void
  /** Resolves when `onStored` was told of everything that is stored by now. */
  told(): Promise<void>
  stop(): Promise<void>
}

export function createReplays({ registry, logger, onStored }: ReplaysDeps): Replays {
  const known = new Set<string>()
  /** Asked for and not ended: asked for again should the thread die. */
  const open = new Map<string, ToReplayThread>()
  const syncs = new Map<number, () => void>()
  let lastSync = 0
  let thread: Worker | undefined
  let stopping = false

  function running(): Worker {
    if (thread) return thread
    const workerData: ReplayThreadData = { registry: registry.snapshot() }
    const started = new Worker(new URL('./replay-thread.ts', import.meta.url), { name: 'replays', workerData })
    thread = started
    started.on('message', (message: FromReplayThread) => {
      if (message.type === 'stored') onStored(message.effects)
      else if (message.type === 'ended') open.delete(message.replayId)
      else {
        syncs.get(message.id)?.()
        syncs.delete(message.id)
      }
    })
    started.on('error', (error) => logger.error({ err: error }, 'the thread of replays failed; starting it again'))
    started.once('exit', () => {
      if (thread === started) thread = undefined
      for (const done of syncs.values()) done()
      syncs.clear()
      if (!stopping) setTimeout(resume, RESTART_MS).unref()
    })
    return started
  }
  const send = (message: ToReplayThread): void => running().postMessage(message)
  function resume(): void {
    if (!stopping && !thread) for (const message of open.values()) send(message)
  }
  const warmUp = setTimeout(running, WARM_UP_MS).unref()

  return {
    event(event) {
      // A thread that starts later knows it by its snapshot.
      if (thread) send({ type: 'event', event })
    },
    run(request, upTo) {
      if (known.has(request.replayId)) return
      known.add(request.replayId)
      const message: ToReplayThread = { type: 'replay', request, upTo }
      open.set(request.replayId, message)
      if (thread) send(message)
      else resume()
    },
    async told() {
      if (!thread) return
      const { promise, resolve } = Promise.withResolvers<void>()
      syncs.set(++lastSync, resolve)
      send({ type: 'sync', id: lastSync })
      await promise
    },
    async stop() {
      stopping = true
      clearTimeout(warmUp)
      if (!thread) return
      const ended = once(thread, 'exit')
      send({ type: 'stop' })
      await Promise.race([ended, sleep(STOP_MS, undefined, { ref: false })])
      await thread?.terminate()
    },
  }
}
