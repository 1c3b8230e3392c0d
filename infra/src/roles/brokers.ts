/**
 * Tenants' own brokers, served by the ingest role: which connections there are comes from the CRM, their messages go to the log,
 * how each stands is told to the API.
 */
import { BROKER_PASSWORDS, brokerAddress, createSecretBox, parseBrokerHosts } from '@heliograph/crm-core'
import type {
  BrokerAccess,
  ConnectionId,
  CrmReader,
  DomainEvent,
  DownlinkRecord,
  LogProducer,
} from '@heliograph/crm-core/contracts'
import {
  type BrokerCounters,
  type BrokerPlan,
  type BrokerReport,
  createBrokerEdge,
  createDial,
  createOwnTopics,
  vendors,
} from '@heliograph/ingest'
import { Gauge } from 'prom-client'
import { createBrokerSlots, type Slot } from './broker-slots.ts'
import type { BrokerNews } from './broker-status.ts'
import type { RoleContext } from './context.ts'

/** What events did not tell is found by looking: a database that was away, a tenant that was suspended. */
const LOOK_EVERY_MS = 10_000
/** Leases are renewed and taken in this rhythm. */
const LEASES_EVERY_MS = 1_000
const TELL_EVERY_MS = 5_000
const TELL_AFTER_MS = 100
const IDLE_AFTER_MS = 10_000
const CONNECT_MS = 10_000

export interface Brokers {
  onEvent(event: DomainEvent): void
  /** False where the connection is no broker that is served here. */
  send(downlink: DownlinkRecord): boolean
  start(): Promise<void>
  stop(): Promise<void>
}

export async function createBrokers(
  context: RoleContext,
  deps: {
    reader: CrmReader
    producer: LogProducer
    counters: BrokerCounters
    pressure(): boolean
  },
): Promise<Brokers> {
  const { settings, logger, link, metrics } = context
  const passwords = createSecretBox(settings.secret, BROKER_PASSWORDS)
  const slots = context.isShared ? await createBrokerSlots({ crmUrl: settings.crmUrl }) : undefined
  /** Found by the last look; what is missing in the next one is gone for good. */
  let known = new Map<string, BrokerAccess>()
  /** Connections that cannot even be tried. */
  let unusable: BrokerReport[] = []
  let idleSince = new Map<string, number>()
  const warned = new Map<string, string>()
  let telling: NodeJS.Timeout | undefined
  const timers: NodeJS.Timeout[] = []
  let isStopped = false

  const isOwn = createOwnTopics(vendors.values())
  const edge = createBrokerEdge({
    producer: deps.producer,
    metrics: deps.counters,
    dial: createDial({ hosts: parseBrokerHosts(settings.brokerHosts), timeoutMs: CONNECT_MS }),
    shard: (vendor, topic) => vendors.get(vendor)?.shard?.(topic) ?? '',
    mayPublish: (vendor, topic) => vendors.get(vendor)?.ignoresTopic === true || isOwn(vendor, topic),
    downlinkTopics: (vendor) => vendors.get(vendor)?.downlinkTopics ?? [],
    pressure: deps.pressure,
    clock: Date,
    random: Math.random,
    onChange() {
      warn()
      telling ??= setTimeout(tell, TELL_AFTER_MS)
    },
    ...(context.tracing && { tracing: context.tracing }),
  })

  const reports = (): BrokerReport[] => [...edge.reports(), ...unusable]
  function tell(): void {
    clearTimeout(telling)
    telling = undefined
    link.send('api', 'brokers', { reports: reports() } satisfies BrokerNews)
  }
  /** One line for each thing that goes wrong, not for each time it is tried. */
  function warn(): void {
    for (const { connectionId, slot, state, code, message } of reports()) {
      const name = `${connectionId}/${slot}`
      const trouble = message === undefined ? '' : `${code}: ${message}`
      if ((warned.get(name) ?? '') === trouble) continue
      warned.set(name, trouble)
      const tenantId = known.get(connectionId)?.tenantId
      if (trouble === '') logger.info({ connectionId, slot, tenantId, state }, 'broker')
      else logger.warn({ connectionId, slot, tenantId, state, code, trouble: message }, 'broker')
    }
  }
  const gauge = new Gauge({
    name: 'helio_broker_connections',
    help: 'Subscriptions to brokers of tenants, by state',
    labelNames: ['state'],
    registers: [metrics],
    collect() {
      gauge.reset()
      for (const { state } of reports()) gauge.inc({ state })
    },
  })

  function plansOf(access: BrokerAccess): BrokerPlan[] {
    const { broker, vendor } = access
    // What is decoded by its order must come by one way.
    const isOrdered = vendors.get(vendor)?.initialState !== undefined
    const workers = isOrdered ? 1 : broker.workers
    const plan = {
      connectionId: access.connectionId as ConnectionId,
      tenantId: access.tenantId,
      vendor,
      clientId: `helio-${access.username}`,
      workers,
      address: brokerAddress(broker.url),
      caCert: broker.caCert,
      username: broker.username,
      password: access.secretCipher === null ? null : passwords.open(access.secretCipher),
      topics: broker.topics,
      version: broker.version,
      retiredTopics: broker.retired.topics,
    }
    // Slots of an earlier setting are kept until their sessions are empty, which nobody can see: for good.
    const count = isOrdered ? 1 : Math.max(broker.workers, broker.retired.workers)
    return Array.from({ length: count }, (_, slot) => ({ ...plan, slot }))
  }
  function allPlans(): BrokerPlan[] {
    unusable = []
    const plans: BrokerPlan[] = []
    for (const access of known.values()) {
      // A password of a moment that is still to come here: the clock of who wrote it is ahead of ours.
      if (!access.enabled || (access.broker.hasPassword && access.secretCipher === null)) continue
      try {
        plans.push(...plansOf(access))
      } catch {
        unusable.push({
          connectionId: access.connectionId as ConnectionId,
          slot: 0,
          state: 'failed',
          since: Date.now(),
          code: 'password-unreadable',
          message: 'The password cannot be read: HELIO_SECRET has changed since; enter it again',
        })
      }
    }
    return plans
  }

  async function mine(plans: BrokerPlan[]): Promise<BrokerPlan[]> {
    if (!slots) return plans
    const held = await slots.hold(plans)
    const isHeld = ({ connectionId, slot }: Slot): boolean =>
      held.some((each) => each.connectionId === connectionId && each.slot === slot)
    askForWork(plans, held)
    return plans.filter(isHeld)
  }
  /** Of several workers' slots this process has none: whoever has two may give one. */
  function askForWork(plans: readonly BrokerPlan[], held: readonly Slot[]): void {
    const now = performance.now()
    const idle = new Map<string, number>()
    for (const { connectionId, workers } of plans) {
      if (workers < 2 || held.some((slot) => slot.connectionId === connectionId)) continue
      const since = idleSince.get(connectionId) ?? now
      idle.set(connectionId, since)
      if (now - since < IDLE_AFTER_MS) continue
      idle.set(connectionId, now)
      link.send('edge', 'brokers.spare', { connectionId })
    }
    idleSince = idle
  }
  link.on('brokers.spare', (body) => {
    slots?.spare((body as { connectionId: string }).connectionId).then(
      () => void work(false),
      () => undefined,
    )
  })

  let working: Promise<void> | undefined
  let again: 'read' | 'leases' | undefined
  /** One pass at a time; what is asked for meanwhile makes one more. @param read whether to look for changes */
  function work(read: boolean): Promise<void> {
    if (working) {
      again = read || again === 'read' ? 'read' : 'leases'
      return working
    }
    working = pass(read)
      .catch((error: unknown) => logger.error({ err: error }, 'connections to brokers stay as they are'))
      .then(() => {
        working = undefined
        const next = again
        again = undefined
        return next && !isStopped ? work(next === 'read') : undefined
      })
    return working
  }
  async function pass(read: boolean): Promise<void> {
    let forgotten = new Set<string>()
    if (read) {
      const found = new Map((await deps.reader.brokers()).map((access) => [access.connectionId, access]))
      forgotten = new Set([...known.keys()].filter((id) => !found.has(id)))
      known = found
    }
    const plans = await mine(allPlans())
    if (!isStopped) edge.serve(plans, forgotten)
  }

  return {
    onEvent(event) {
      const isOurs =
        event.type === 'connection.upserted'
          ? event.connection.transport === 'broker'
          : event.type === 'connection.revoked'
            ? known.has(event.connectionId)
            : event.type === 'tenant.upserted' || event.type === 'tenant.deleted'
      if (isOurs) void work(true)
    },
    send: ({ connectionId, topic, body }) =>
      known.has(connectionId) && edge.send(connectionId, { topic, body: Buffer.from(body, 'base64') }) !== 'no-client',
    async start() {
      await work(true)
      timers.push(
        setInterval(() => void work(true), LOOK_EVERY_MS),
        setInterval(tell, TELL_EVERY_MS),
        ...(slots ? [setInterval(() => void work(false), LEASES_EVERY_MS)] : []),
      )
    },
    async stop() {
      isStopped = true
      for (const timer of timers) clearInterval(timer)
      await edge.stop()
      await working
      clearTimeout(telling)
      await slots?.stop()
    },
  }
}
