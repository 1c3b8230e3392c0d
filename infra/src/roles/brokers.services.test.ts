/** Two processes of the ingest role and one Mosquitto: they share a connection, take over from each other, and leave it when it is revoked. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCrm, type Crm, systemCaller } from '@heliograph/crm-core'
import {
  type AppendRecord,
  type Caller,
  type ConnectionId,
  type CrmDatabase,
  type CrmReader,
  decodeRaw,
  type LogProducer,
} from '@heliograph/crm-core/contracts'
import mqtt from 'mqtt'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../e2e/line/until.ts'
import { ownService } from '../../services/for-tests.ts'
import { openCrm, openCrmReader } from '../crm/index.ts'
import type { Link } from '../process/link.ts'
import { hearBrokers } from './broker-status.ts'
import { type Brokers, createBrokers } from './brokers.ts'
import type { RoleContext } from './context.ts'

const mosquitto = await ownService('mosquitto')
const at = new URL(mosquitto.url())
const SECRET = 'a secret that tests alone use'
const LONG_MS = 120_000

describe('processes that serve brokers', { timeout: 3 * LONG_MS, retry: 0 }, () => {
  let folder: string
  let crmUrl: string
  let db: CrmDatabase
  let crm: Crm
  let reader: CrmReader
  let admin: Caller
  const handlers = new Map<string, Map<string, (body: unknown, from: string) => unknown>>()
  const processes = new Set<Worker>()
  interface Worker {
    brokers: Brokers
    bodies: string[]
    metrics: Registry
  }

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'helio-brokers-'))
    crmUrl = `file:${path.join(folder, 'crm.sqlite')}`
    db = await openCrm({ url: crmUrl })
    await db.start()
    crm = createCrm({ db, secret: SECRET, publicUrl: 'http://helio.test', brokerHosts: { refusal: () => undefined } })
    reader = await openCrmReader({ url: crmUrl })
    const { tenantId } = await crm.tenants.create(systemCaller('test'), {
      name: 'Sun',
      adminEmail: 'admin@sun.test',
      adminPassword: 'correct horse battery',
    })
    admin = systemCaller('test', tenantId)
  })
  afterAll(async () => {
    for (const each of processes) await each.brokers.stop()
    await reader.stop()
    await db.stop()
    await rm(folder, { recursive: true, force: true })
    await mosquitto.remove()
  })

  /** As processes hear each other: every one of a role hears what is said to it. */
  function linkOf(name: string): Link {
    const own = new Map<string, (body: unknown, from: string) => unknown>()
    handlers.set(name, own)
    return {
      name,
      send(to, kind, body) {
        for (const [other, kinds] of handlers) if (other.startsWith(to)) kinds.get(kind)?.(body, name)
        return true
      },
      sendToOne: () => true,
      request: () => Promise.reject(new Error('nobody')),
      requestAll: () => Promise.reject(new Error('nobody')),
      on: (kind, handler) => void own.set(kind, handler),
    }
  }
  async function begin(name: string): Promise<Worker> {
    const bodies: string[] = []
    const producer: LogProducer = {
      pendingBytes: 0,
      async append(records: AppendRecord[]) {
        await sleep(2)
        bodies.push(...records.map(({ value }) => Buffer.from(decodeRaw(new Uint8Array(value)).body).toString()))
        return { partition: 0, offset: bodies.length }
      },
    }
    const metrics = new Registry()
    const brokers = await createBrokers(
      {
        settings: { secret: SECRET, brokerHosts: 'loopback', crmUrl },
        logger: pino({ level: 'silent' }),
        link: linkOf(name),
        metrics,
        isShared: true,
      } as unknown as RoleContext,
      { reader, producer, counters: { inc: () => undefined }, pressure: () => false },
    )
    const worker = { brokers, bodies, metrics }
    processes.add(worker)
    await brokers.start()
    return worker
  }
  async function end(worker: Worker, name: string): Promise<void> {
    processes.delete(worker)
    await worker.brokers.stop()
    handlers.delete(name)
  }
  const connected = async ({ metrics }: Worker): Promise<number> => {
    const [gauge] = (await metrics.getMetricsAsJSON()).filter(({ name }) => name === 'helio_broker_connections')
    const values = gauge!.values as { labels: { state?: string }; value: number }[]
    return values.find(({ labels }) => labels.state === 'connected')?.value ?? 0
  }
  const holds = (worker: Worker, count: number) =>
    until(`${count} connected`, async () => (await connected(worker)) === count, LONG_MS, 200)

  it('share it, spread again when one comes, and one does all when the other goes', async () => {
    const { row } = await crm.connections.create(admin, {
      name: 'shared',
      transport: 'broker',
      vendor: 'native',
      broker: {
        url: `mqtt://${at.host}`,
        username: at.username,
        password: at.password,
        topics: ['fleet/#'],
        version: '5',
        workers: 2,
      },
    })
    const statusOf = hearBrokers(linkOf('api'))
    const first = await begin('edge-1')
    const second = await begin('edge-2')
    await Promise.all([holds(first, 1), holds(second, 1)])
    await until('its status', () => statusOf(row.id)?.state === 'connected')
    expect(statusOf(row.id)).toMatchObject({ message: null, version: '5' })

    const client = await mqtt.connectAsync(`mqtt://${at.host}`, { username: at.username, password: at.password })
    const send = async (name: string, count: number): Promise<string[]> => {
      const all = Array.from({ length: count }, (_, index) => `${name}-${index}`)
      await Promise.all(all.map((body) => client.publishAsync('fleet/a', body, { qos: 1 })))
      return all
    }
    const received = (): string[] => [...first.bodies, ...second.bodies]
    const shared = await send('shared', 300)
    await until('all of them', () => received().length >= 300, LONG_MS)
    expect(received().sort()).toEqual(shared.sort())
    expect(Math.min(first.bodies.length, second.bodies.length)).toBeGreaterThan(30)

    await end(second, 'edge-2')
    const alone = await send('alone', 200)
    await holds(first, 2)
    await until('all of them', () => alone.every((body) => first.bodies.includes(body)), LONG_MS)

    const third = await begin('edge-3')
    await Promise.all([holds(third, 1), holds(first, 1)])
    const again = await send('again', 200)
    await until(
      'all of them',
      () => {
        const found = new Set([...first.bodies, ...third.bodies])
        return again.every((body) => found.has(body))
      },
      LONG_MS,
    )
    expect(third.bodies.length).toBeGreaterThan(20)

    await crm.connections.revoke(admin, row.id)
    const event = { type: 'connection.revoked', connectionId: row.id as ConnectionId } as never
    for (const { brokers } of [first, third]) brokers.onEvent(event)
    await Promise.all([holds(first, 0), holds(third, 0)])
    const before = first.bodies.length + third.bodies.length
    await send('late', 20)
    await sleep(500)
    expect(first.bodies.length + third.bodies.length).toBe(before)
    await client.endAsync()
  })
  it.each(['3.1.1', '5'] as const)(
    'hear it through TLS, and trust no other certificate, by MQTT %s',
    async (version) => {
      const caCert = await readFile(path.join(mosquitto.dataDir, 'certificate.pem'), 'utf8')
      const connection = async (name: string, trusted: string | null) =>
        await crm.connections.create(admin, {
          name,
          transport: 'broker',
          vendor: 'native',
          broker: {
            url: `mqtts://localhost:${mosquitto.port('mqtts')}`,
            username: at.username,
            password: at.password,
            topics: [`${name}/#`],
            version,
            caCert: trusted,
          },
        })
      const { row: trusting } = await connection(`trusting-${version}`, caCert)
      const { row: doubting } = await connection(`doubting-${version}`, null)
      const statusOf = hearBrokers(linkOf('api'))
      const worker = await begin(`edge-tls-${version}`)
      await until(
        'both to be told of',
        () => statusOf(trusting.id)?.state === 'connected' && statusOf(doubting.id),
        LONG_MS,
      )
      expect(statusOf(trusting.id)).toMatchObject({ message: null, version })
      expect(statusOf(doubting.id)).toMatchObject({ state: 'failed', message: expect.stringMatching(/not trusted/) })

      const client = await mqtt.connectAsync(`mqtt://${at.host}`, { username: at.username, password: at.password })
      await client.publishAsync(`trusting-${version}/a`, 'by TLS', { qos: 1 })
      await until('the message', () => worker.bodies.includes('by TLS'), LONG_MS)
      await client.endAsync()
      await end(worker, `edge-tls-${version}`)
      for (const { id } of [trusting, doubting]) await crm.connections.revoke(admin, id)
    },
  )
})
