/** Messages to devices: only topics of the vendor's own list, only to the connection's own clients, never many. */
import type { Client } from 'aedes'
import { createBucket } from './admission.ts'
import type { MqttLimits } from './config.ts'
import type { MqttCounters } from './ports.ts'
import type { Sessions } from './sessions.ts'
import { matchesTopic, topicFault } from './topics.ts'

export interface MqttDownlink {
  topic: string
  body: string | Uint8Array
}
export type DownlinkResult = 'sent' | 'no-client' | 'topic' | 'too-large' | 'rate'

/** Connections whose rate is remembered; the longest untouched goes first. */
const REMEMBERED = 10_000

export function createDownlinks(options: {
  sessions: Sessions
  limits: MqttLimits
  metrics: MqttCounters
  downlinkTopics(vendor: string): readonly string[]
  clock: { now(): number }
}): (connectionId: string, downlink: MqttDownlink) => DownlinkResult {
  const { sessions, limits } = options
  const buckets = new Map<string, (now: number) => boolean>()

  function mayPass(connectionId: string): boolean {
    let bucket = buckets.get(connectionId)
    if (bucket) buckets.delete(connectionId)
    else {
      bucket = createBucket(limits.downlinksPerSecond, limits.downlinkBurst)
      if (buckets.size >= REMEMBERED) buckets.delete(buckets.keys().next().value!)
    }
    buckets.set(connectionId, bucket)
    return bucket(options.clock.now())
  }
  function send(connectionId: string, { topic, body }: MqttDownlink): DownlinkResult {
    const receivers: Client[] = []
    let allowed: boolean | undefined
    for (const session of sessions.connection(connectionId) ?? []) {
      const client = sessions.clientOf(session)
      if (!client || session.state !== 'open' || !session.identity) continue
      allowed ??= options.downlinkTopics(session.identity.vendor).some((pattern) => matchesTopic(pattern, topic))
      for (const filter of session.filters)
        if (matchesTopic(filter, topic)) {
          receivers.push(client)
          break
        }
    }
    if (allowed === false || topicFault(topic, limits)) return 'topic'
    if (body.length > limits.downlinkBytes) return 'too-large'
    if (receivers.length === 0) return 'no-client'
    if (!mayPass(connectionId)) return 'rate'
    const payload = typeof body === 'string' ? body : Buffer.from(body)
    // At most once: whoever asks (a decoder that misses a birth, a keepalive) asks again while it needs to.
    for (const client of receivers)
      client.publish({ cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false }, () => {})
    return 'sent'
  }
  return (connectionId, downlink) => {
    const result = send(connectionId, downlink)
    options.metrics.inc('helio_mqtt_downlinks_total', { result }, 1)
    return result
  }
}
