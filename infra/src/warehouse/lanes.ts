/**
 * Who waits for whom in front of an engine that runs one statement per session: each lane has its own sessions and its
 * own bounded queue, so that a light query never stands behind a heavy one.
 */
export const LANES = ['insert', 'light', 'heavy', 'system'] as const
export type Lane = (typeof LANES)[number]

export class LaneBusyError extends Error {
  constructor(lane: Lane) {
    super(`Code: 202. DB::Exception: Too many simultaneous queries in lane ${lane}. (TOO_MANY_SIMULTANEOUS_QUERIES)`)
    this.name = 'LaneBusyError'
  }
}
export class LaneClosedError extends Error {
  constructor() {
    super('Code: 279. DB::Exception: The engine is shutting down. (ALL_CONNECTION_TRIES_FAILED)')
    this.name = 'LaneClosedError'
  }
}

interface Waiting<Worker> {
  task: (worker: Worker) => Promise<void>
  reject: (error: Error) => void
  signal: AbortSignal | undefined
}

export class WorkerLane<Worker> {
  readonly #name: Lane
  readonly #idle: Worker[]
  readonly #maxWaiting: number
  #waiting: Waiting<Worker>[] = []
  #running = 0
  #closed = false
  #drained: (() => void)[] = []

  /** @param maxWaiting tasks that may wait; one more is refused at once */
  constructor(name: Lane, workers: Worker[], maxWaiting: number) {
    this.#name = name
    this.#idle = [...workers]
    this.#maxWaiting = maxWaiting
  }
  get waiting(): number {
    return this.#waiting.length
  }

  /** Runs a task when a worker is free; a task whose signal aborts while it waits is dropped. */
  run<T>(task: (worker: Worker) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#closed) return Promise.reject(new LaneClosedError())
    if (this.#idle.length === 0 && this.#waiting.length >= this.#maxWaiting)
      return Promise.reject(new LaneBusyError(this.#name))
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ task: (worker) => task(worker).then(resolve, reject), reject, signal })
      this.#next()
    })
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#idle.length > 0) {
      const { task, reject, signal } = this.#waiting.shift()!
      if (signal?.aborted) {
        reject(new Error('Code: 394. DB::Exception: Query was cancelled while it waited. (QUERY_WAS_CANCELLED)'))
        continue
      }
      const worker = this.#idle.pop()!
      this.#running += 1
      void task(worker).finally(() => {
        this.#running -= 1
        this.#idle.push(worker)
        this.#next()
      })
    }
    if (this.#closed && this.#running === 0) for (const resolve of this.#drained.splice(0)) resolve()
  }

  /** Refuses what waits, and resolves once what runs has ended. */
  close(): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#waiting.splice(0)) reject(new LaneClosedError())
    if (this.#running === 0) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }
}
