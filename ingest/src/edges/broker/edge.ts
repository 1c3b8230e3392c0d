/**
 * The edge that goes out to tenants' own brokers instead of waiting for their devices. What comes in by it is stamped and kept as
 * what comes in by ours; a broker has its acknowledgement when the message is on disk.
 */
import { createAppender } from '../mqtt/appender.ts'
import type { MqttDownlink } from '../mqtt/downlinks.ts'
import { brokerEdgeConfigSchema, type BrokerEdgeSettings } from './config.ts'
import { type BrokerPlan, planName } from './plan.ts'
import type { BrokerEdgeDeps, BrokerReport } from './ports.ts'
import { createSubscriber, type Subscriber } from './subscriber.ts'

export interface BrokerEdge {
  /**
   * Everything that is to be served from now on: what is new is begun, what changed is begun anew, what is missing is left.
   * @param forgotten connections that are gone for good: what their brokers keep for us is thrown away
   */
  serve(plans: readonly BrokerPlan[], forgotten?: ReadonlySet<string>): void
  /** Publishes to the broker of this connection, for its devices. */
  send(connectionId: string, downlink: MqttDownlink): 'sent' | 'no-client' | 'topic' | 'too-large' | 'rate'
  reports(): BrokerReport[]
  stats(): { heldBytes: number; stalled: boolean }
  /** Stops reading, waits for what was read to be on disk and acknowledged, leaves every broker; their sessions stay. */
  stop(): Promise<void>
}

const LOOK_EVERY_MS = 100

export function createBrokerEdge(deps: BrokerEdgeDeps, settings: BrokerEdgeSettings = {}): BrokerEdge {
  const config = brokerEdgeConfigSchema.parse(settings)
  const { limits } = config
  const subscribers = new Map<string, Subscriber>()
  /** What is being left: a slot is begun anew when it is gone, since both would have the same client id. */
  const leaving = new Map<string, Promise<void>>()
  const tallies = new Map<string, { received: number; acknowledged: number }>()
  let wanted = new Map<string, BrokerPlan>()
  let stopping = false

  const appender = createAppender({
    producer: deps.producer,
    pressure: config.pressure,
    paused: () => deps.pressure?.() ?? false,
    onFailure: (error) =>
      deps.metrics.inc('helio_mqtt_append_failures_total', { code: (error as { code?: string }).code ?? 'error' }, 1),
    onChange: afterAppend,
  })
  const isFull = (): boolean =>
    Math.max(appender.heldBytes, deps.producer.pendingBytes) >= config.pressure.softBytes ||
    appender.stalled ||
    (deps.pressure?.() ?? false)
  let full = false
  function look(): void {
    appender.poke()
    const now = isFull()
    if (now === full) return
    full = now
    for (const subscriber of subscribers.values()) subscriber.letRead()
  }
  const looking = setInterval(look, LOOK_EVERY_MS)
  looking.unref()

  function afterAppend(): void {
    for (const [vendor, tally] of tallies) {
      const { received, acknowledged } = tally
      if (received > 0)
        deps.metrics.inc('helio_ingest_received_messages_total', { transport: 'broker', vendor }, received)
      if (acknowledged > 0)
        deps.metrics.inc('helio_ingest_acknowledged_messages_total', { transport: 'broker', vendor }, acknowledged)
    }
    tallies.clear()
    look()
  }

  function begin(plan: BrokerPlan): void {
    const subscriber = createSubscriber(plan, {
      ...deps,
      limits,
      drainMs: config.drainMs,
      appender,
      mayRead: () => {
        full = isFull()
        return !full
      },
      tell: () => deps.onChange?.(),
      tally(vendor, acknowledged) {
        const tally = tallies.get(vendor) ?? { received: 0, acknowledged: 0 }
        tally.received++
        if (acknowledged) tally.acknowledged++
        tallies.set(vendor, tally)
      },
    })
    subscribers.set(planName(plan), subscriber)
    subscriber.start()
  }
  function leave(name: string, subscriber: Subscriber, forget: boolean): void {
    subscriber.halt()
    subscribers.delete(name)
    const left = subscriber.finish(forget).finally(() => {
      leaving.delete(name)
      const next = wanted.get(name)
      if (next && !stopping && !subscribers.has(name)) begin(next)
      deps.onChange?.()
    })
    leaving.set(name, left)
  }

  return {
    serve(plans, forgotten) {
      if (stopping) return
      wanted = new Map(plans.map((plan) => [planName(plan), plan]))
      for (const [name, subscriber] of subscribers) {
        const plan = wanted.get(name)
        if (plan && JSON.stringify(plan) === JSON.stringify(subscriber.plan)) continue
        leave(name, subscriber, plan === undefined && forgotten?.has(subscriber.plan.connectionId) === true)
      }
      for (const [name, plan] of wanted) if (!subscribers.has(name) && !leaving.has(name)) begin(plan)
      deps.onChange?.()
    },
    send(connectionId, { topic, body }) {
      let result: ReturnType<BrokerEdge['send']> = 'no-client'
      if (body.length > limits.downlinkBytes) result = 'too-large'
      else {
        // Of several workers the first one speaks: it is there wherever the connection is served.
        const subscriber = [...subscribers.values()].find(
          ({ plan }) => plan.connectionId === connectionId && plan.slot === 0,
        )
        if (!subscriber) return result
        result = subscriber.send(topic, typeof body === 'string' ? Buffer.from(body) : Buffer.from(body))
      }
      deps.metrics.inc('helio_mqtt_downlinks_total', { result }, 1)
      return result
    },
    reports: () =>
      [...subscribers.values()].map(({ plan, word }) => ({
        connectionId: plan.connectionId,
        slot: plan.slot,
        ...word,
      })),
    stats: () => ({ heldBytes: appender.heldBytes, stalled: appender.stalled }),
    async stop() {
      stopping = true
      wanted = new Map()
      const all = [...subscribers.values()]
      for (const subscriber of all) subscriber.halt()
      await appender.drain(config.drainMs)
      appender.stop()
      clearInterval(looking)
      await Promise.all([...all.map((subscriber) => subscriber.finish(false)), ...leaving.values()])
      afterAppend()
    },
  }
}
