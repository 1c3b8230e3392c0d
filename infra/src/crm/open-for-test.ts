/** A CRM in a database of its own, with its services, for tests: SQLite, or what `useTestDatabases` opens. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createCrm, systemCaller, type Crm } from '@heliograph/crm-core'
import type { Caller, CrmDatabase, DomainEvent, DomainEventType, TenantId } from '@heliograph/crm-core/contracts'
import { openCrm } from './index.ts'

export const TEST_PASSWORD = 'correct horse battery'

/** An empty one of its own. */
export interface TestDatabase {
  url: string
  remove(): Promise<void>
}
export interface TestCrm {
  db: CrmDatabase
  crm: Crm
  url: string
  /** UTC milliseconds of the services' clock; tests move it. */
  clock: { now: number }
  stop(): Promise<void>
  /** A tenant with its administrator signed in. */
  tenant(name?: string): Promise<{ tenantId: TenantId; rootId: string; admin: Caller; email: string }>
  /** Events emitted since the last call, oldest first. */
  events(): Promise<DomainEvent[]>
  eventsOf<T extends DomainEventType>(type: T): Promise<Extract<DomainEvent, { type: T }>[]>
}

/** Opens databases on a server instead of SQLite files, for the rest of this process. */
let openElsewhere: (() => Promise<TestDatabase>) | undefined
export function useTestDatabases(open: () => Promise<TestDatabase>): void {
  openElsewhere = open
}

async function openTestFile(): Promise<TestDatabase> {
  const folder = await mkdtemp(path.join(tmpdir(), 'helio-crm-'))
  return { url: `file:${path.join(folder, 'crm.sqlite')}`, remove: () => rm(folder, { recursive: true }) }
}

export async function openTestCrm(): Promise<TestCrm> {
  const { url, remove } = await (openElsewhere ?? openTestFile)()
  const clock = { now: Date.parse('2026-06-01T10:00:00Z') }
  const db = await openCrm({ url, now: () => clock.now })
  await db.start()
  const crm = createCrm({
    db,
    secret: 'test secret of 32 characters ....',
    publicUrl: 'http://helio.test/',
    now: () => clock.now,
  })
  let seen = 0
  let tenants = 0

  async function events(): Promise<DomainEvent[]> {
    const rows = await db.system.find('outbox', { where: { version: { gt: seen } }, orderBy: [['version', 'asc']] })
    seen = rows.at(-1)?.version ?? seen
    return rows.map(({ payload }) => JSON.parse(payload) as DomainEvent)
  }
  return {
    db,
    crm,
    url,
    clock,
    events,
    async eventsOf(type) {
      return (await events()).filter(
        (event): event is Extract<DomainEvent, { type: typeof type }> => event.type === type,
      )
    },
    async tenant(name = `Tenant ${++tenants}`) {
      const email = `admin-${name.toLowerCase().replace(/\W/g, '-')}@helio.test`
      const made = await crm.tenants.create(systemCaller('test'), {
        name,
        adminEmail: email,
        adminPassword: TEST_PASSWORD,
      })
      const { caller } = await crm.auth.login({ email, password: TEST_PASSWORD }, { address: '192.0.2.7' })
      return { tenantId: made.tenantId, rootId: made.rootId, admin: caller, email }
    },
    async stop() {
      await db.stop()
      await remove()
    },
  }
}
