/**
 * The MQTT edge as a process of its own: devices connect here, brokers of tenants are subscribed to from here, and nothing else
 * keeps this event loop busy.
 */
import { readFileSync } from 'node:fs'
import {
  type BrokerCounter,
  type BrokerCounters,
  createMqttEdge,
  createOwnTopics,
  type MqttCounter,
  type MqttCounters,
  type MqttRefusal,
  type Revocation,
  type Takeover,
  vendors,
} from '@heliograph/ingest'
import { decodeRecord, type DomainEvent, type DownlinkRecord, TOPICS } from '@heliograph/crm-core/contracts'
import { Counter } from 'prom-client'
import { openCrmReader } from '../crm/index.ts'
import { createPeers } from '../process/peers.ts'
import { createBrokers } from './brokers.ts'
import type { RoleContext } from './context.ts'
import { createCredentials } from './credentials.ts'
import { createPressure } from './pressure.ts'

/** A downlink older than this answers a question nobody asks any more. */
const DOWNLINK_MAX_AGE_MS = 30_000
/** The writing lane of the MQTT edge in `raw`; HTTP writes its own. */
export const MQTT_LANE = 0

export async function startEdge(
  context: RoleContext,
): Promise<{ ready: Record<string, unknown>; stop(): Promise<void> }> {
  const { settings, log, logger, link } = context
  await log.start()
  const reader = await openCrmReader({ url: settings.crmUrl })
  const revoked = new Set<(revocation: Revocation) => void>()
  const producer = log.producer(TOPICS.raw, MQTT_LANE)
  const pressure = createPressure(context)
  const metered = counters(context)
  const takeovers = createPeers<Takeover>(context, 'edge', 'mqtt.taken')
  const brokers = await createBrokers(context, { reader, producer, counters: metered, pressure: pressure.high })
  const edge = createMqttEdge(
    {
      producer,
      credentials: createCredentials(reader),
      revocations: {
        subscribe(listener) {
          revoked.add(listener)
          return () => revoked.delete(listener)
        },
      },
      ...(takeovers && { takeovers }),
      metrics: metered,
      audit(refusal) {
        logger.warn(withoutPersons(refusal), 'MQTT access refused')
        link.sendToOne('api', 'audit.refused', refusal)
      },
      shard: (vendor, topic) => vendors.get(vendor)?.shard?.(topic) ?? '',
      mayPublish: createOwnTopics(vendors.values()),
      downlinkTopics: (vendor) => vendors.get(vendor)?.downlinkTopics ?? [],
      pressure: pressure.high,
      clock: Date,
      ...(context.tracing && { tracing: context.tracing }),
    },
    {
      host: settings.mqttHost,
      port: settings.mqttPort,
      ...(settings.mqttsPort !== undefined && {
        tls: { port: settings.mqttsPort, cert: readFileSync(settings.tlsCert!), key: readFileSync(settings.tlsKey!) },
      }),
    },
  )
  const events = log.consume({
    topic: TOPICS.events,
    group: context.ownGroup,
    startAt: 'next',
    async handle(batch) {
      for (const record of batch.records) {
        const event = decodeRecord<DomainEvent>(record.value)
        brokers.onEvent(event)
        if (event.type !== 'connection.revoked') continue
        for (const listener of revoked)
          listener({ connectionId: event.connectionId, credentialIds: event.credentialIds })
      }
    },
    onError: (error) => logger.error({ err: error }, 'events could not be read'),
  })
  const downlinks = log.consume({
    topic: TOPICS.downlinks,
    group: context.ownGroup,
    startAt: 'next',
    async handle(batch) {
      for (const record of batch.records) {
        const downlink = decodeRecord<DownlinkRecord>(record.value)
        if (Date.now() - downlink.at > DOWNLINK_MAX_AGE_MS) continue
        if (brokers.send(downlink)) continue
        edge.send(downlink.connectionId, { topic: downlink.topic, body: Buffer.from(downlink.body, 'base64') })
      }
    },
    onError: (error) => logger.error({ err: error }, 'downlinks could not be read'),
  })
  await edge.start()
  await brokers.start()
  link.on('status', () => ({ parts: [{ name: 'mqtt', state: pressure.high() ? 'degraded' : 'ok', lag: 0 }] }))
  return {
    ready: {},
    async stop() {
      await Promise.all([edge.stop(), brokers.stop()])
      pressure.stop()
      await Promise.all([events.stop(), downlinks.stop()])
      await reader.stop()
      await log.stop()
    },
  }
}

/** Address, user name and topic are for the tenant's audit trail, not for the operator's log. */
export const withoutPersons = ({ reason, tenantId, connectionId, count }: MqttRefusal): Record<string, unknown> => ({
  reason,
  tenant: tenantId,
  connection: connectionId,
  count,
})

function counters({ metrics }: RoleContext): MqttCounters & BrokerCounters {
  const known = new Map<string, Counter>()
  return {
    inc(name, labels, n) {
      let counter = known.get(name)
      if (!counter) {
        counter = new Counter({ name, help: HELP[name], labelNames: Object.keys(labels), registers: [metrics] })
        known.set(name, counter)
      }
      counter.inc({ ...labels }, n)
    },
  }
}

const HELP: Record<MqttCounter | BrokerCounter, string> = {
  helio_ingest_received_messages_total: 'Messages that came in and are on disk',
  helio_ingest_acknowledged_messages_total: 'Messages that are on disk and were acknowledged',
  helio_ingest_rejected_messages_total: 'Messages that were refused, by reason',
  helio_mqtt_refused_total: 'Refused connects, subscriptions and publishes, by reason',
  helio_mqtt_disconnects_total: 'Sockets closed by us, by reason',
  helio_mqtt_downlinks_total: 'Messages sent to devices, by result',
  helio_broker_connects_total: 'Attempts to connect to brokers of tenants, by result',
  helio_broker_disconnects_total: 'Connections to brokers of tenants that ended, by reason',
  helio_mqtt_append_failures_total: 'Appends to the log that failed',
}
