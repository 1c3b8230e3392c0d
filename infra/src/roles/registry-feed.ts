/** Keeps a process's registry: a snapshot of the CRM on start, then the domain events of the log in their order. */
import { Registry } from '@heliograph/crm-core'
import {
  type CrmReader,
  decodeRecord,
  type DomainEvent,
  type Log,
  type LogConsumer,
  TOPICS,
} from '@heliograph/crm-core/contracts'

export interface RegistryFeed {
  registry: Registry
  /** Told of every event once, after the registry has it. */
  onEvent(listener: (event: DomainEvent) => void): void
  /** Whether the registry knows everything before these offsets of the events. */
  reached(ends: readonly { partition: number; first: number; next: number }[]): boolean
  start(): Promise<void>
  stop(): Promise<void>
}

/** @param group name of this reader of the events; each process has its own */
export function createRegistryFeed(deps: {
  log: Log
  reader: CrmReader
  group: string
  onError(error: unknown): void
}): RegistryFeed {
  const registry = new Registry()
  const listeners: ((event: DomainEvent) => void)[] = []
  /** Per partition, behind the last event that was applied. */
  const applied = new Map<number, number>()
  let consumer: LogConsumer | undefined
  return {
    registry,
    onEvent(listener) {
      listeners.push(listener)
    },
    reached: (ends) => ends.every(({ partition, first, next }) => next <= Math.max(first, applied.get(partition) ?? 0)),
    async start() {
      registry.load(await deps.reader.registry())
      consumer = deps.log.consume({
        topic: TOPICS.events,
        group: deps.group,
        async handle(batch) {
          for (const record of batch.records) {
            const event = decodeRecord<DomainEvent>(record.value)
            registry.apply(event)
            // Also what the snapshot held already: a request is acted upon once, by its own id.
            for (const listener of listeners) listener(event)
            applied.set(batch.partition, record.offset + 1)
          }
        },
        onError: deps.onError,
      })
    },
    async stop() {
      await consumer?.stop()
    },
  }
}
