/**
 * Puts messages on the log in the order they were read. One append is under way at a time; what comes meanwhile makes the
 * next one, so a busy edge writes large groups and an idle one waits for nothing. An append that is refused is tried again,
 * whole and before anything newer, so a full disk changes neither order nor content.
 */
import { type AppendRecord, LogError, type LogProducer } from '@heliograph/crm-core/contracts'
import type { MqttPressure } from './config.ts'

export interface Message {
  record: AppendRecord
  /** False once nobody waits for it: its sender is gone and will send it again. Asked only while appends are refused. */
  wanted(): boolean
  /** Called once: without an error when it is on disk. */
  settled(error?: Error): void
}

export interface Appender {
  push(message: Message): void
  /** Bytes taken in and not yet settled, with an allowance for what a message costs beside its bytes. */
  readonly heldBytes: number
  /** True while the log refuses appends. */
  readonly stalled: boolean
  /** To be called when `paused` may have changed. */
  poke(): void
  /** True when everything was settled within the time, paused or not. */
  drain(withinMs: number): Promise<boolean>
  /** Gives up what is not on disk; nothing of it is acknowledged. */
  stop(): void
}

/** Memory of a waiting message beside its bytes: record, packet, closures. */
const MESSAGE_OVERHEAD = 512
const cost = (message: Message): number => message.record.value.length + MESSAGE_OVERHEAD
const isTooLarge = (error: unknown): error is LogError => error instanceof LogError && error.code === 'log_too_large'

export function createAppender(options: {
  producer: LogProducer
  pressure: MqttPressure
  /** While true nothing is appended, and so nothing acknowledged: what was read waits. */
  paused(): boolean
  onFailure(error: unknown): void
  /** After every append, and when the log begins to refuse. */
  onChange(): void
}): Appender {
  const { producer, pressure } = options
  let queue: Message[] = []
  let heldBytes = 0
  let busy = false
  let scheduled = false
  let stalled = false
  let stopped = false
  let draining = false
  let retryMs = pressure.retryMs
  let idle: (() => void)[] = []
  let wake: (() => void) | undefined

  function take(): Message[] {
    let bytes = 0
    let count = 0
    for (; count < queue.length && count < pressure.batchRecords; count++) {
      bytes += queue[count]!.record.value.length
      if (bytes > pressure.batchBytes && count > 0) break
    }
    if (count === queue.length) {
      const all = queue
      queue = []
      return all
    }
    return queue.splice(0, count)
  }
  function settle(batch: Message[], error?: Error): void {
    for (const message of batch) heldBytes -= cost(message)
    for (const message of batch) message.settled(error)
  }
  /** Too large a record spoils its append: find it by appending one by one, which keeps the order. */
  async function appendSingly(batch: Message[]): Promise<void> {
    while (batch.length > 0 && !stopped) {
      const message = batch[0]!
      try {
        await producer.append([message.record])
        settle([message])
      } catch (error) {
        if (!isTooLarge(error)) throw error
        options.onFailure(error)
        settle([message], error)
      }
      batch.shift()
    }
  }
  interface Append {
    batch: Message[]
    done: Promise<unknown>
  }
  function next(): Append | undefined {
    if (queue.length === 0 || stopped || (options.paused() && !draining)) return undefined
    const batch = take()
    return { batch, done: producer.append(batch.map((message) => message.record)) }
  }
  async function wait(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, retryMs)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    retryMs = Math.min(retryMs * 2, pressure.retryMaxMs)
  }
  function forgetUnwanted(): void {
    const kept: Message[] = []
    for (const message of queue)
      if (message.wanted()) kept.push(message)
      else heldBytes -= cost(message)
    queue = kept
  }
  /** Puts a refused append back in front and pauses. */
  async function holdBack(batch: Message[], error: unknown): Promise<void> {
    queue = batch.concat(queue)
    stalled = true
    options.onFailure(error)
    options.onChange()
    await wait()
    forgetUnwanted()
  }
  async function run(): Promise<void> {
    let current = next()
    while (current) {
      const { batch, done }: Append = current
      try {
        try {
          await done
        } catch (error) {
          if (!isTooLarge(error)) throw error
          await appendSingly(batch)
        }
      } catch (error) {
        if (stopped) break
        await holdBack(batch, error)
        current = next()
        continue
      }
      stalled = false
      retryMs = pressure.retryMs
      // The disk gets the next append before the senders of this one are answered.
      current = next()
      settle(batch)
      options.onChange()
      // What their answers let in.
      current ??= next()
    }
    busy = false
    stalled = false
    if (queue.length === 0) for (const resolve of idle.splice(0)) resolve()
  }
  function begin(): void {
    scheduled = false
    if (busy || queue.length === 0 || stopped) return
    busy = true
    run().catch((error: unknown) => {
      // A bug in what hears of a message: an edge that ends is started again, one that goes on would never acknowledge more.
      setImmediate(() => {
        throw error
      })
    })
  }

  return {
    push(message) {
      queue.push(message)
      heldBytes += cost(message)
      if (busy || scheduled) return
      scheduled = true
      // Everything the sockets have ready in this turn becomes one append.
      setImmediate(begin)
    },
    get heldBytes() {
      return heldBytes
    },
    get stalled() {
      return stalled
    },
    poke() {
      if (busy || queue.length === 0 || options.paused()) return
      // The pause may have been long.
      forgetUnwanted()
      begin()
    },
    async drain(withinMs) {
      draining = true
      begin()
      if (!busy && queue.length === 0) return true
      let timer: NodeJS.Timeout | undefined
      const drained = await Promise.race([
        new Promise<boolean>((resolve) => idle.push(() => resolve(true))),
        new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), withinMs))),
      ])
      clearTimeout(timer)
      return drained
    },
    stop() {
      stopped = true
      queue = []
      idle = []
      wake?.()
    },
  }
}
