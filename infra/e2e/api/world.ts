/**
 * A whole API over real embedded engines, for tests: the CRM on SQLite, the log on LMDB, the live bus in memory, and the
 * warehouse on chDB where a test asks for one (else it is down, as it may be in life).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { Registry } from 'prom-client'
import { createCrm, type Crm } from '@heliograph/crm-core'
import {
  TOPICS,
  WarehouseError,
  type CrmDatabase,
  type DomainEvent,
  type LiveBus,
  type Log,
  type RoleName,
  type TenantId,
  type Warehouse,
} from '@heliograph/crm-core/contracts'
import { openCrm, openCrmReader } from '../../src/crm/index.ts'
import { createFolderFiles } from '../../src/files/folder.ts'
import { createMemoryLive } from '../../src/live/memory.ts'
import { createLmdbLog } from '../../src/log/lmdb.ts'
import { createRawLookup } from '../../src/roles/raw-lookup.ts'
import { createClickhouseWarehouse } from '../../src/warehouse/clickhouse.ts'
import { spawnWarehouse, type SpawnedWarehouse } from '../../src/warehouse/spawn-warehouse.ts'
import { createApi, localCaller, type ApiConfig, type ApiDeps, type ApiLimits } from '@heliograph/api'

export const PASSWORD = 'correct horse battery'
export const PUBLIC_URL = 'http://heliograph.test'

export interface World {
  app: FastifyInstance
  crm: Crm
  db: CrmDatabase
  live: LiveBus
  log: Log
  warehouse: Warehouse
  deps: ApiDeps
  /** Domain events as an outbox relay would publish them. */
  publish(event: DomainEvent): void
  stop(): Promise<void>
}
export interface WorldOptions {
  warehouse?: boolean
  limits?: Partial<ApiLimits>
  config?: Partial<ApiConfig>
  deps?: Partial<ApiDeps>
  now?: () => number
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'helio-api-test-'))
  const url = `file:${join(dir, 'crm.db')}`
  const secret = 'a secret that tests alone use'
  const listeners = new Set<(event: DomainEvent) => void>()
  const now = options.now ?? Date.now
  const db = await openCrm({ url, now })
  await db.start()
  const reader = await openCrmReader({ url })
  const log = createLmdbLog({ dir: join(dir, 'log') })
  await log.start()
  const live = createMemoryLive()
  let spawned: SpawnedWarehouse | undefined
  let warehouse = downWarehouse()
  if (options.warehouse === true) {
    spawned = await spawnWarehouse(join(dir, 'warehouse'))
    warehouse = createClickhouseWarehouse(spawned.connection)
    await warehouse.start()
  }
  const files = createFolderFiles({ dir: join(dir, 'files') })
  await files.start()
  const crm = createCrm({ db, secret, publicUrl: PUBLIC_URL, now, files, failuresPerAddress: 10_000 })
  const deps: ApiDeps = {
    db,
    crm,
    reader,
    warehouse,
    live,
    events: {
      subscribe(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    raw: log.producer(TOPICS.raw),
    readRaw: createRawLookup(log),
    metrics: new Registry(),
    status: {
      settle: () => Promise.resolve(),
      parts: () => Promise.resolve([{ name: 'log', state: 'ok' as const, lag: 0 }]),
    },
    now,
    ...options.deps,
  }
  const app = createApi(deps, {
    publicUrl: PUBLIC_URL,
    secret,
    limits: { requestsPerMinute: 1_000_000, ...options.limits },
    ...options.config,
  })
  await app.ready()
  return {
    app,
    crm,
    db,
    live,
    log,
    warehouse,
    deps,
    publish: (event) => {
      for (const listener of listeners) listener(event)
    },
    async stop() {
      await app.close()
      await warehouse.stop()
      await spawned?.stop()
      await log.stop()
      await reader.stop()
      await db.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** A warehouse that cannot be reached. */
function downWarehouse(): Warehouse {
  const down = () => Promise.reject(new WarehouseError('warehouse_unavailable', 'connection refused'))
  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    query: down,
    // eslint-disable-next-line require-yield -- a stream that fails before its first piece
    async *stream() {
      await down()
    },
    execute: down,
    encode: () => [],
    insert: down,
    health: () => Promise.resolve({ ok: false, detail: 'connection refused' }),
  }
}

/** A program's client: it signs in once and keeps its cookie. */
export class Client {
  readonly #app: FastifyInstance
  readonly headers: Record<string, string>
  constructor(app: FastifyInstance, headers: Record<string, string> = {}) {
    this.#app = app
    this.headers = headers
  }
  request(method: InjectOptions['method'], url: string, payload?: unknown, headers: Record<string, string> = {}) {
    return this.#app.inject({
      method,
      url: url.startsWith('/') ? url : `/api/v1/${url}`,
      headers: { ...this.headers, ...headers },
      ...(payload === undefined ? {} : { payload: payload as object }),
    }) as Promise<LightMyRequestResponse>
  }
  get = (url: string, headers?: Record<string, string>) => this.request('GET', url, undefined, headers)
  post = (url: string, payload?: unknown, headers?: Record<string, string>) =>
    this.request('POST', url, payload, headers)
  patch = (url: string, payload: unknown, headers?: Record<string, string>) =>
    this.request('PATCH', url, payload, headers)
  delete = (url: string, headers?: Record<string, string>) => this.request('DELETE', url, undefined, headers)
}

export async function signIn(app: FastifyInstance, email: string, password = PASSWORD): Promise<Client> {
  const response = await app.inject({ method: 'POST', url: '/api/v1/auth/login', payload: { email, password } })
  if (response.statusCode !== 200) throw new Error(`sign-in of ${email}: ${response.statusCode} ${response.body}`)
  const [cookie] = response.cookies
  return new Client(app, { cookie: `${cookie!.name}=${cookie!.value}` })
}

export interface Tenant {
  id: TenantId
  rootId: string
  adminEmail: string
  /** One person per role, and what belongs to them all. */
  email(role: RoleName): string
  customerId: string
  siteId: string
  deviceId: string
  connectionId: string
  contractId: string
}

/** A tenant with a person per role, a customer with a site and a device, and a second customer nobody's portal shows. */
export async function seedTenant({ crm }: World, name: string): Promise<Tenant> {
  const email = (role: RoleName) => `${role}@${name}.test`
  const platform = localCaller(undefined, {})
  const { tenantId, rootId } = await crm.tenants.create(platform, {
    name,
    adminEmail: email('admin'),
    adminPassword: PASSWORD,
  })
  const inside = localCaller(tenantId, {})
  const customer = await crm.customers.create(inside, { name: `${name} customer`, kind: 'residential' })
  const { row: site } = await crm.sites.create(inside, {
    name: `${name} site`,
    customerId: customer.id,
    timezone: 'Europe/Berlin',
    latitude: 52.5,
    longitude: 13.4,
    peakPowerW: 9_800,
  })
  const device = await crm.devices.create(inside, {
    siteId: site.id,
    kind: 'inverter',
    vendor: 'native',
    serial: `${name}-1`,
    role: 'production',
  })
  const contract = await crm.contracts.create(inside, {
    name: `${name} contract`,
    customerId: customer.id,
    validFrom: '2020-01-01',
    sla: { firstResponseH: 4, solutionH: 48, hours: 'always' },
    tariff: { perKwh: '0.0821', currency: 'EUR' },
  })
  const { row: connection } = await crm.connections.create(inside, {
    name: `${name} mqtt`,
    transport: 'mqtt',
    vendor: 'native',
  })
  for (const role of ['support', 'sales', 'analyst', 'customer'] as const) {
    await crm.users.create(inside, {
      email: email(role),
      name: `${role} of ${name}`,
      password: PASSWORD,
      roles: [{ role }],
      ...(role === 'customer' ? { customerIds: [customer.id] } : {}),
    })
  }
  return {
    id: tenantId,
    rootId,
    adminEmail: email('admin'),
    email,
    customerId: customer.id,
    siteId: site.id,
    deviceId: device.id,
    connectionId: connection.id,
    contractId: contract.id,
  }
}

/** @returns the address of its live socket, once it listens */
export async function listening({ app }: World): Promise<string> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return `ws://127.0.0.1:${(app.server.address() as AddressInfo).port}/api/v1/live`
}
