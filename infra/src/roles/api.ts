/** HTTP, sockets, page and CRM in one process: the only one that writes the CRM. */
import { existsSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { createApi, type PartStatus } from '@heliograph/api'
import { createCrm, createCrmJobs, createOutboxRelay } from '@heliograph/crm-core'
import {
  type AlarmRecord,
  decodeRecord,
  type DomainEvent,
  encodeRecord,
  type LiveValue,
  type Log,
  type LogConsumer,
  type ReplayProgressRecord,
  type Topic,
  TOPICS,
  type UnclaimedRecord,
} from '@heliograph/crm-core/contracts'
import { type MqttRefusal, vendors } from '@heliograph/ingest'
import { adminSocketPath } from '../cli/client.ts'
import { openCrm, openCrmReader } from '../crm/index.ts'
import { seedDemo } from '../demo/seed.ts'
import { createMemoryLive } from '../live/memory.ts'
import type { RoleContext } from './context.ts'
import { keepHeardConnections } from './heard-connections.ts'
import { createInstanceMetrics } from './instance-metrics.ts'
import { createOperations } from './operations.ts'
import { createPressure } from './pressure.ts'

/** The writing lane of HTTP in `raw`; the MQTT edge has its own. */
const HTTP_LANE = 1
const RELAY_MS = 50
const STATUS_TIMEOUT_MS = 1_000
const SETTLE_LIMIT_MS = 60 * 60_000
const PAGE = new URL('../../../dashboard/build/handler.js', import.meta.url).pathname

export async function startApi(
  context: RoleContext,
): Promise<{ ready: Record<string, unknown>; stop(): Promise<void> }> {
  const { settings, log, logger, link } = context
  await log.start()
  const db = openCrm({ url: settings.crmUrl })
  await db.start()
  const crm = createCrm({ db, secret: settings.secret, publicUrl: settings.publicUrl })
  const reader = await openCrmReader({ url: settings.crmUrl })
  const warehouse = context.warehouse()
  await warehouse.start()
  const live = createMemoryLive({ onListenerError: (error) => logger.error({ err: error }, 'live listener') })
  await live.start()
  link.on('live', (values) => live.publish(values as LiveValue[]))
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

  const operations = createOperations(context, { relay, warehouse, db, crm })
  const pressure = createPressure(context)
  const metrics = createInstanceMetrics(context, ['worker', 'edge'])
  const adminSockets = new WeakSet<Socket>()
  const api = createApi(
    {
      db,
      crm,
      reader,
      warehouse,
      live,
      events: {
        subscribe(listener) {
          eventListeners.add(listener)
          return () => eventListeners.delete(listener)
        },
      },
      raw: log.producer(TOPICS.raw, HTTP_LANE),
      metrics,
      status: {
        parts,
        settle: () => link.request('worker', 'settle', undefined, SETTLE_LIMIT_MS),
        async replayableFrom() {
          const times = (await log.bounds(TOPICS.raw)).flatMap(({ firstTimestamp }) => firstTimestamp ?? [])
          return times.length === 0 ? undefined : Math.min(...times)
        },
      },
      operations,
      vendors: [...vendors.values()],
      ingestPressure: () => (pressure.high() ? 5 : undefined),
    },
    {
      publicUrl: settings.publicUrl,
      secret: settings.secret,
      trustProxy: settings.trustProxy?.split(','),
      metricsToken: settings.metricsToken,
      page: existsSync(PAGE) ? PAGE : undefined,
      mapOrigins: settings.mapStyleUrl ? [new URL(settings.mapStyleUrl).origin] : [],
      isLocalAdmin: (request) => adminSockets.has(request.raw.socket),
      logger: logger as never,
    },
  )

  async function parts(): Promise<PartStatus[]> {
    const states = await link.request<{ name: string; state: 'ok' | 'down' }[]>('supervisor', 'states').catch(() => [])
    const of = async (role: string): Promise<PartStatus[]> => {
      try {
        return (await link.request<{ parts: PartStatus[] }>(role, 'status', undefined, STATUS_TIMEOUT_MS)).parts
      } catch (error) {
        return [
          { name: role, state: 'down', lag: 0, detail: error instanceof Error ? error.message : 'does not answer' },
        ]
      }
    }
    const [worker, edge, store, outbox] = await Promise.all([of('worker'), of('edge'), warehouse.health(), relay.lag()])
    const warehouseRuns = states.find(({ name }) => name === 'warehouse')?.state !== 'down'
    return [
      ...edge,
      ...worker,
      {
        name: 'warehouse',
        state: store.ok && warehouseRuns ? 'ok' : 'down',
        lag: 0,
        ...(store.detail && { detail: store.detail }),
      },
      { name: 'events', state: outbox > 10_000 ? 'degraded' : 'ok', lag: outbox },
    ]
  }

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
  // Without senders messages stay in the outbox, where a page shows them.
  const jobs = createCrmJobs({
    crm,
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
      await jobs.stop()
      admin.close()
      admin.closeAllConnections()
      await api.close()
      await Promise.all(desks.map((desk) => desk.stop()))
      await relay.stop()
      await operations.stop()
      pressure.stop()
      await live.stop()
      await reader.stop()
      await db.stop()
      await warehouse.stop()
      await log.stop()
    },
  }
}

type Crm = ReturnType<typeof createCrm>

/** What the log tells the CRM: alarms, unclaimed devices, progress of replays. Offsets are saved with their effects. */
function startDesks(log: Log, crm: Crm, onError: (error: unknown) => void): LogConsumer[] {
  const desk = <T extends object>(
    topic: Topic,
    apply: (
      records: T[],
      position: { topic: string; consumer: string; partition: number; offset: number },
    ) => Promise<unknown>,
  ): LogConsumer =>
    log.consume({
      topic,
      group: 'desk',
      maxRecords: 500,
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
    desk<UnclaimedRecord>(TOPICS.unclaimed, crm.desk.applyUnclaimed),
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
