/**
 * Starts the parts of an instance as child processes in their order, starts a part again that dies or hangs, and stops all in
 * reverse. A part says over IPC that it is ready, or why it cannot be, and answers when it is asked whether it lives.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { BEGINS_WHEN_TOLD } from './child.ts'
import { createSwitchboard, type Link } from './link.ts'

const RESTART_FIRST_MS = 200
const RESTART_MAX_MS = 10_000
/** A part that ran this long starts anew with the shortest wait. */
const STEADY_MS = 30_000
/** Ends what hangs: a busy machine may take long, and a start that is merely slow must not be begun anew. */
const READY_LIMIT_MS = 180_000
/** A part that is not ready at its first start is tried as often; then the start as a whole has failed. */
const START_ATTEMPTS = 3
/**
 * How glibc's allocator is told to give memory back: by default it keeps what large buffers once took, per thread, and a part
 * that was busy for a minute stays as large for good.
 */
const ALLOCATOR = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' }
/** What the instance can do without is not waited for longer than this. */
const OPTIONAL_WAIT_MS = 30_000

export interface SupervisorOptions {
  /** A part that has not answered for so long hangs, and is killed; milliseconds. Far above what a busy machine takes. */
  hangMs?: number
  /** Between two questions; milliseconds. */
  heartbeatMs?: number
}

export interface PartSpec {
  name: string
  /** Module to run. */
  module: string
  env(): Record<string, string>
  /** How long a stop may take before the part is killed. */
  stopMs: number
  /** V8 heap bound, MiB. */
  heapMb?: number
  /** Room for what lives shortly, MB: the engine takes three times as much and keeps it. Less where little is made at once. */
  youngMb?: number
  /** By how many hundredths what lives long may grow before it is cleared; the engine's own choice where absent. */
  heapGrowthPercent?: number
  /** The instance starts without it where it does not come up; it is tried on and on. */
  optional?: true
}
export interface ReadyMessage {
  type: 'ready'
  [detail: string]: unknown
}
interface FailedMessage {
  type: 'failed'
  message: string
  /** A setting is at fault: trying again helps only where another process is about to give the port back. */
  setting: boolean
}
export class StartError extends Error {
  readonly setting: boolean
  constructor(message: string, setting = false) {
    super(message)
    this.setting = setting
  }
}

interface Part {
  spec: PartSpec
  child?: ChildProcess
  startedAt: number
  restarts: number
  /** It was ready once, or is optional: from then on it is started again whenever it ends. */
  kept: boolean
  /** On the monotonic clock, when it last answered; absent: not ready yet. */
  heardAt?: number
}

export interface Supervisor {
  /**
   * Starts parts together; resolves when all are ready, optional ones perhaps later.
   * @param after they load their modules meanwhile, and begin when this has resolved
   * @throws StartError with what the part said last, after some attempts
   */
  start(specs: PartSpec[], after?: Promise<void>): Promise<void>
  /** Stops in reverse order of groups; each group at once. */
  stop(groups: string[][]): Promise<void>
  readonly link: Link
  states(): { name: string; state: 'ok' | 'down'; restarts: number }[]
  /** Pid of a part, for tests that kill it. */
  pid(name: string): number | undefined
}

export function createSupervisor(logger: Logger, options: SupervisorOptions = {}): Supervisor {
  const { hangMs = 30_000, heartbeatMs = 2_000 } = options
  const switchboard = createSwitchboard()
  const parts = new Map<string, Part>()
  let stopping = false
  let lookedAt = performance.now()
  const heartbeat = setInterval(look, heartbeatMs)
  heartbeat.unref()

  function look(): void {
    const now = performance.now()
    // We were held up ourselves: that nobody was heard meanwhile says nothing.
    const late = now - lookedAt > 2 * heartbeatMs
    lookedAt = now
    for (const part of parts.values()) {
      const { spec, child, heardAt } = part
      if (!child?.connected || heardAt === undefined) continue
      if (late) part.heardAt = now
      else if (now - heardAt > hangMs && !stopping) {
        logger.error({ part: spec.name, pid: child.pid }, 'a part hangs; killing it')
        child.kill('SIGKILL')
        continue
      }
      child.send({ type: 'alive?' }, () => undefined)
    }
  }

  async function launch(part: Part, after?: Promise<void>): Promise<void> {
    const { spec } = part
    const child = fork(spec.module, {
      env: { ...ALLOCATOR, ...process.env, ...spec.env(), ...(after && { [BEGINS_WHEN_TOLD]: '1' }) },
      execArgv: [
        '--disable-warning=ExperimentalWarning',
        ...(spec.heapMb ? [`--max-old-space-size=${spec.heapMb}`] : []),
        ...(spec.youngMb ? [`--max-semi-space-size=${spec.youngMb}`] : []),
        ...(spec.heapGrowthPercent ? [`--heap-growing-percent=${spec.heapGrowthPercent}`] : []),
      ],
      serialization: 'json',
    })
    part.child = child
    part.heardAt = undefined
    part.startedAt = Date.now()
    switchboard.attach(spec.name, child)
    child.once('exit', (code, signal) => {
      part.child = undefined
      if (stopping || !part.kept) return
      logger.error({ part: spec.name, code, signal }, 'a part ended; starting it again')
      void restart(part)
    })
    // Where what is waited for fails, the start fails: nobody begins then.
    after?.then(
      () => child.connected && child.send({ type: 'begin' }, () => undefined),
      () => undefined,
    )
    const ready = new Promise<ReadyMessage>((resolve, reject) => {
      child.on('message', (message: ReadyMessage | FailedMessage | { type: 'alive' }) => {
        if (message.type === 'alive') part.heardAt = performance.now()
        else if (message.type === 'ready') {
          part.kept = true
          part.heardAt = performance.now()
          resolve(message as ReadyMessage)
        } else if (message.type === 'failed') {
          const { message: why, setting } = message as FailedMessage
          reject(new StartError(why, setting))
        }
      })
      child.once('exit', (code, signal) => reject(new StartError(`${spec.name} ended at start (${signal ?? code})`)))
    })
    const limit = new AbortController()
    try {
      await Promise.race([
        ready,
        sleep(READY_LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
          throw new StartError(`${spec.name} was not ready in ${READY_LIMIT_MS / 1_000} s`)
        }),
      ])
    } finally {
      limit.abort()
    }
  }

  /** The first start: a part that fails or dies before it is ready is tried a few times. @throws StartError */
  async function first(part: Part, after?: Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await launch(part, after)
        return
      } catch (error) {
        if (part.child) {
          const gone = once(part.child, 'exit')
          part.child.kill('SIGKILL')
          await gone
        }
        const attempts = error instanceof StartError && error.setting ? 2 : START_ATTEMPTS
        if (stopping || attempt >= attempts) throw error
        logger.warn({ part: part.spec.name, attempt, err: error }, 'a part did not start; trying again')
        await sleep(RESTART_FIRST_MS * 2 ** (attempt - 1))
        if (stopping) throw error
      }
    }
  }

  /** Waits for what can be done without only a while, and goes on trying behind. */
  async function firstOptional(part: Part, after?: Promise<void>): Promise<void> {
    const limit = new AbortController()
    const trying = first(part, after).catch((error: unknown) => {
      if (stopping) return
      logger.error({ part: part.spec.name, err: error }, 'starting without a part; it is tried on')
      part.kept = true
      void restart(part)
    })
    await Promise.race([trying, sleep(OPTIONAL_WAIT_MS, undefined, { signal: limit.signal }).catch(() => undefined)])
    limit.abort()
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
    async start(specs, after) {
      const launched = await Promise.allSettled(
        specs.map((spec) => {
          const part: Part = { spec, startedAt: 0, restarts: 0, kept: false }
          parts.set(spec.name, part)
          return spec.optional ? firstOptional(part, after) : first(part, after)
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
      clearInterval(heartbeat)
      for (const group of groups) await Promise.all(group.map(async (name) => parts.has(name) && end(parts.get(name)!)))
    },
    states: () =>
      [...parts.values()].map(({ spec, child, heardAt, restarts }) => ({
        name: spec.name,
        state: child && heardAt !== undefined ? 'ok' : 'down',
        restarts,
      })),
    pid: (name) => parts.get(name)?.child?.pid,
  }
}
