/**
 * Starts the parts of an instance as child processes in their order, starts a part again that dies, and stops all in
 * reverse. A part says over IPC that it is ready, or why it cannot be.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { createSwitchboard, type Link } from './link.ts'

const RESTART_FIRST_MS = 200
const RESTART_MAX_MS = 10_000
/** A part that ran this long starts anew with the shortest wait. */
const STEADY_MS = 30_000
/** Ends what hangs: a busy machine may take long, and a start that is merely slow must not be begun anew. */
const READY_LIMIT_MS = 180_000

export interface PartSpec {
  name: string
  /** Module to run. */
  module: string
  env(): Record<string, string>
  /** Called with what it said when it was ready, each time it is. */
  onReady?(message: ReadyMessage): void
  /** How long a stop may take before the part is killed. */
  stopMs: number
  /** V8 heap bound, MiB. */
  heapMb?: number
}
export interface ReadyMessage {
  type: 'ready'
  [detail: string]: unknown
}
interface FailedMessage {
  type: 'failed'
  message: string
}
export class StartError extends Error {}

interface Part {
  spec: PartSpec
  child?: ChildProcess
  startedAt: number
  restarts: number
}

export interface Supervisor {
  /** Starts parts together; resolves when all are ready. @throws StartError with what the part said */
  start(specs: PartSpec[]): Promise<void>
  /** Stops in reverse order of groups; each group at once. */
  stop(groups: string[][]): Promise<void>
  readonly link: Link
  states(): { name: string; state: 'ok' | 'down'; restarts: number }[]
  /** Pid of a part, for tests that kill it. */
  pid(name: string): number | undefined
}

export function createSupervisor(logger: Logger): Supervisor {
  const switchboard = createSwitchboard()
  const parts = new Map<string, Part>()
  let stopping = false

  async function launch(part: Part): Promise<void> {
    const { spec } = part
    const child = fork(spec.module, {
      env: { ...process.env, ...spec.env() },
      execArgv: [
        '--disable-warning=ExperimentalWarning',
        ...(spec.heapMb ? [`--max-old-space-size=${spec.heapMb}`] : []),
      ],
      serialization: 'json',
    })
    part.child = child
    part.startedAt = Date.now()
    switchboard.attach(spec.name, child)
    child.once('exit', (code, signal) => {
      part.child = undefined
      if (stopping) return
      logger.error({ part: spec.name, code, signal }, 'a part ended; starting it again')
      void restart(part)
    })
    const ready = new Promise<ReadyMessage>((resolve, reject) => {
      child.on('message', (message: ReadyMessage | FailedMessage) => {
        if (message.type === 'ready') resolve(message as ReadyMessage)
        else if (message.type === 'failed') reject(new StartError((message as FailedMessage).message))
      })
      child.once('exit', (code, signal) => reject(new StartError(`${spec.name} ended at start (${signal ?? code})`)))
    })
    const limit = new AbortController()
    try {
      const message = await Promise.race([
        ready,
        sleep(READY_LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
          throw new StartError(`${spec.name} was not ready in ${READY_LIMIT_MS / 1_000} s`)
        }),
      ])
      spec.onReady?.(message)
    } finally {
      limit.abort()
    }
  }

  async function restart(part: Part): Promise<void> {
    if (Date.now() - part.startedAt > STEADY_MS) part.restarts = 0
    const wait = Math.min(RESTART_FIRST_MS * 2 ** part.restarts, RESTART_MAX_MS)
    part.restarts++
    await sleep(wait)
    if (stopping) return
    // Ends by itself when it fails: its exit brings us here again.
    await launch(part).catch((error: unknown) => {
      logger.error({ part: part.spec.name, err: error }, 'a part did not start')
      part.child?.kill('SIGKILL')
    })
  }

  async function end(part: Part): Promise<void> {
    const { child, spec } = part
    if (!child || child.exitCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    const killer = setTimeout(() => {
      logger.warn({ part: spec.name }, 'a part did not stop in time; killing it')
      child.kill('SIGKILL')
    }, spec.stopMs)
    await exited
    clearTimeout(killer)
  }

  return {
    link: switchboard.link,
    async start(specs) {
      const launched = await Promise.allSettled(
        specs.map((spec) => {
          const part: Part = { spec, startedAt: 0, restarts: 0 }
          parts.set(spec.name, part)
          return launch(part)
        }),
      )
      const failed = launched.find((result) => result.status === 'rejected')
      if (failed) {
        stopping = true
        throw failed.reason
      }
    },
    async stop(groups) {
      stopping = true
      for (const group of groups) await Promise.all(group.map(async (name) => parts.has(name) && end(parts.get(name)!)))
    },
    states: () =>
      [...parts.values()].map(({ spec, child, restarts }) => ({
        name: spec.name,
        state: child ? 'ok' : 'down',
        restarts,
      })),
    pid: (name) => parts.get(name)?.child?.pid,
  }
}
