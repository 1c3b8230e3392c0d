/** HTTP, sockets, page and CRM in one process: the only one that writes the CRM. */
import { existsSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApi } from '@heliograph/api'
import { createCrm, createCrmJobs, createOutboxRelay, type FailureChange, parseBrokerHosts } from '@heliograph/crm-core'
import {
  type AlarmRecord,
  type ConsumeOptions,
  decodeRecord,
  type DomainEvent,
  encodeRecord,
  type LiveAudience,
  type LiveValue,
  type Log,
  type LogConsumer,
  type ReplayProgressRecord,
  type Topic,
  TOPICS,
  type UnclaimedRecord,
} from '@heliograph/crm-core/contracts'
import type { MqttRefusal } from '@heliograph/ingest'
// Alone: the API needs no broker.
import { vendors } from '@heliograph/ingest/vendors'
import { adminSocketPath } from '../cli/client.ts'
import { openCrm, openCrmReader } from '../crm/index.ts'
import type { HistoryProgress } from '../demo/history.ts'
import { seedDemo } from '../demo/seed.ts'
import { openEngine, PORTS } from '../engines.ts'
import { meterAlarms } from './alarm-metrics.ts'
import { createApiParts } from './api-parts.ts'
import { hearBrokers } from './broker-status.ts'
import { createPeers } from '../process/peers.ts'
import type { RoleContext } from './context.ts'
import { keepHeardConnections } from './heard-connections.ts'
import { createInstanceMetrics } from './instance-metrics.ts'
import { openMessages } from './messages.ts'
import { openWarehouse } from './open-warehouse.ts'
import { createOperations } from './operations.ts'
import { createPressure } from './pressure.ts'
import { createProbe } from './probe.ts'
import { createRawLookup, createRawTail } from './raw-lookup.ts'
import { giveUp, startWarehouse } from './start-warehouse.ts'

/** The writing lane of HTTP in `raw`; the MQTT edge has its own. */
const HTTP_LANE = 1
/** Ways in that a process of this release serves; `poll` is added here with what serves it. */
const SERVED_TRANSPORTS = ['mqtt', 'webhook', 'broker'] as const
const RELAY_MS = 50
/** What is being sent when the process ends is waited for so long. */
const SENDING_LIMIT_MS = 1_000
const WATCHED_EVERY_MS = 2_000
const SETTLE_LIMIT_MS = 60 * 60_000
const PAGE = new URL('../../../dashboard/build/handler.js', import.meta.url).pathname

export async function startApi(
  context: RoleContext,
): Promise<{ ready: Record<string, unknown>; stop(): Promise<void> }> {
  const { settings, log, logger, link } = context
  await log.start()
  const db = await openCrm({ url: settings.crmUrl })
  await db.start()
  const files = await openEngine(PORTS.files, settings.engineUrls.files, context.engines)
  await files.start()
  const signInPeers = createPeers<FailureChange>(context, 'api', 'auth.failures')
  const crm = createCrm({
    db,
    secret: settings.secret,
    publicUrl: settings.publicUrl,
    files,
    brokerHosts: parseBrokerHosts(settings.brokerHosts),
    ...(signInPeers && { signInPeers }),
  })
  const reader = await openCrmReader({ url: settings.crmUrl })
  const warehouse = openWarehouse(settings)
  const started = await startWarehouse(warehouse, {
    onDown: (error) => logger.error({ err: error }, 'the warehouse is down; what needs no store is served'),
    onUnusable: giveUp,
  })
  const { engines } = context
  const curves = await openEngine(PORTS.series, settings.engineUrls.series, engines)
  const live = await openEngine(PORTS.live, settings.engineUrls.live, engines)
  const messages = await openMessages(context)
  await live.start()
  // Workers on other machines publish there themselves.
  if (!context.isShared) link.on('live', (values) => live.publish(values as LiveValue[]))
  const brokerStatus = hearBrokers(link)
  let audience: LiveAudience = 'nobody'
  const tellAudience = (now: LiveAudience): void => {
    audience = now
    link.send('worker', 'live.audience', now)
  }
  // Said again: the worker may have been started anew since.
  const watchedTimer = setInterval(() => tellAudience(audience), WATCHED_EVERY_MS)
  let demoProgress: HistoryProgress | undefined
  link.on('demo.progress', (progress) => void (demoProgress = progress as HistoryProgress))
  link.on('audit.refused', (refusal) => void auditRefusal(refusal as MqttRefusal))

  const eventListeners = new Set<(event: DomainEvent) => void>()
  const events = log.producer(TOPICS.events)
  const relay = createOutboxRelay({
    db,
    intervalMs: RELAY_MS,
    async publish(published) {
      await events.append(published.map((event) => ({ key: event.tenantId, value: encodeRecord(event) })))
      for (const event of published) for (const listener of eventListeners) listener(event)
    },
    onError: (error) => logger.error({ err: error }, 'domain events wait for the log'),
  })

  // Of several API processes one publishes; all of them judge their sessions and sockets by what was published.
  const heard = context.isShared
    ? log.consume({
        topic: TOPICS.events,
        group: context.ownGroup,
        startAt: 'next',
        handle({ records }) {
          for (const { value } of records) {
            const event = decodeRecord<DomainEvent>(value)
            if (event.type === 'rights.changed') crm.auth.applyRightsChanged(event)
            for (const listener of eventListeners) listener(event)
          }
          return Promise.resolve()
        },
        onError: (error) => logger.error({ err: error }, 'events could not be read'),
      })
    : undefined

  const parts = createApiParts({
    link,
    isShared: context.isShared,
    warehouse,
    db,
    log,
    files,
    live,
    relay,
    channels: messages.channels(crm),
    demoProgress: () => demoProgress,
  })
  const bounds = createProbe(() => log.bounds(TOPICS.raw))
  const operations = createOperations(context, { relay, warehouse, db, crm })
  const pressure = createPressure(context)
  const metrics = createInstanceMetrics(context, ['worker', 'edge'])
  meterAlarms(db, metrics)
  const adminSockets = new WeakSet<Socket>()
  const api = createApi(
    {
      db,
      crm,
      reader,
      warehouse,
      curves,
      live,
      onAudience: tellAudience,
      events: {
        subscribe(listener) {
          eventListeners.add(listener)
          return () => eventListeners.delete(listener)
        },
      },
      raw: log.producer(TOPICS.raw, HTTP_LANE),
      readRaw: createRawLookup(log),
      recentRaw: createRawTail(log),
      metrics,
      ...(context.tracing && { tracing: context.tracing }),
      ...messages.reports,
      status: {
        parts,
        settle: () => link.request('worker', 'settle', undefined, SETTLE_LIMIT_MS),
        async replayableFrom() {
          const answer = await bounds()
          if (answer.trouble !== undefined) return undefined
          const times = answer.value.flatMap(({ firstTimestamp }) => firstTimestamp ?? [])
          return times.length === 0 ? undefined : Math.min(...times)
        },
      },
      operations,
      vendors: [...vendors.values()],
      servedTransports: SERVED_TRANSPORTS,
      brokerStatus,
      ingestPressure: () => (pressure.high() ? 5 : undefined),
    },
    {
      publicUrl: settings.publicUrl,
      secret: settings.secret,
      trustProxy: settings.trustProxy?.split(','),
      metricsToken: settings.metricsToken,
      page: existsSync(PAGE) ? PAGE : undefined,
      mqtt: { port: settings.mqttPort, ...(settings.mqttsPort ? { tlsPort: settings.mqttsPort } : {}) },
      ...(settings.mapStyleUrl ? { mapStyleUrl: settings.mapStyleUrl } : {}),
      mapOrigins: settings.mapStyleUrl ? [new URL(settings.mapStyleUrl).origin] : [],
      isLocalAdmin: (request) => adminSockets.has(request.raw.socket),
      logger: logger as never,
    },
  )

  async function auditRefusal(refusal: MqttRefusal): Promise<void> {
    const { reason, address, userName, topic, count } = refusal
    // A wrong secret proves nothing, yet whose user name was tried is what that tenant wants to know.
    const tried =
      refusal.connectionId === undefined && userName
        ? await reader.connectionByUsername(userName).catch(() => undefined)
        : undefined
    const { tenantId, connectionId } = tried ?? refusal
    await db.denied(undefined, {
      action: `mqtt.${reason}`,
      resource: 'connection',
      ...(connectionId && { resourceId: connectionId }),
      ...(tenantId && { tenantId }),
      details: { address, userName, topic, count },
    })
  }

  if (settings.adminEmail && settings.adminPassword)
    await crm.tenants.ensureAdmin({ email: settings.adminEmail, password: settings.adminPassword })
  const demo = settings.demo ? await seedDemo({ crm, db, settings }) : undefined
  const desks = startDesks(log, crm, (error) => logger.error({ err: error }, 'the desk waits'))
  relay.start()
  keepHeardConnections({ crm, link, onError: (error) => logger.error({ err: error }, 'connections heard') })
  const jobs = createCrmJobs({
    crm,
    senders: messages.senders,
    onDelivery: messages.onDelivery,
    onError: (error, job) => logger.error({ err: error, job }, 'a job of the CRM failed'),
  })
  jobs.start()
  operations.start()
  await api.ready()
  await api.listen({ host: settings.httpHost, port: settings.httpPort })
  const admin = await listenAdmin(api, adminSocketPath(settings.dataDir), adminSockets)
  // Asks for what the worker knows; when it starts later it offers everything by itself.
  link.send('worker', 'live.sync')

  return {
    ready: { demo },
    async stop() {
      clearInterval(watchedTimer)
      // A sender that does not answer must not hold up the end; its messages are sent after the next start.
      await Promise.race([jobs.stop(), sleep(SENDING_LIMIT_MS)])
      await messages.stop()
      admin.close()
      admin.closeAllConnections()
      await api.close()
      await Promise.all(desks.map((desk) => desk.stop()))
      await Promise.all([relay.stop(), heard?.stop()])
      await operations.stop()
      pressure.stop()
      await live.stop()
      await reader.stop()
      await db.stop()
      await files.stop()
      await started.stop()
      await log.stop()
    },
  }
}

type Crm = ReturnType<typeof createCrm>

/**
 * A device costs one row however often it spoke within a batch. Batches that take what comes would keep this process busy with rows of
 * a few devices that nobody has claimed yet, instead of with what is asked of it.
 */
const UNCLAIMED_BATCHES = { maxRecords: 5_000, lingerMs: 250 } as const

/** What the log tells the CRM: alarms, unclaimed devices, progress of replays. Offsets are saved with their effects. */
function startDesks(log: Log, crm: Crm, onError: (error: unknown) => void): LogConsumer[] {
  const desk = <T extends object>(
    topic: Topic,
    apply: (
      records: T[],
      position: { topic: string; consumer: string; partition: number; offset: number },
    ) => Promise<unknown>,
    batches: Pick<ConsumeOptions, 'maxRecords' | 'lingerMs'> = { maxRecords: 500 },
  ): LogConsumer =>
    log.consume({
      topic,
      group: 'desk',
      ...batches,
      async handle({ partition, records }) {
        const position = { topic, consumer: 'desk', partition, offset: records.at(-1)!.offset + 1 }
        await apply(
          records.map(({ value }) => decodeRecord<T>(value)),
          position,
        )
      },
      onError,
    })
  return [
    desk<AlarmRecord>(TOPICS.alarms, crm.desk.applyAlarms),
    desk<UnclaimedRecord>(TOPICS.unclaimed, crm.desk.applyUnclaimed, UNCLAIMED_BATCHES),
    desk<ReplayProgressRecord>(TOPICS.replays, crm.desk.applyReplayProgress),
  ]
}

/** The same server for whoever may open a socket in the data directory. */
async function listenAdmin(api: ReturnType<typeof createApi>, path: string, sockets: WeakSet<Socket>): Promise<Server> {
  // The directory is locked by this instance: what lies there is of one that is gone.
  rmSync(path, { force: true })
  const server = createServer((request, response) => {
    sockets.add(request.socket)
    api.routing(request, response)
  })
  const before = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } finally {
    process.umask(before)
  }
  return server
}
