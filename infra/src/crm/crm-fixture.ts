/** Rows for tests: one of every table, made from the columns alone, so that a new table is covered the day it is added. */
import { systemCaller, TABLES } from '@heliograph/crm-core'
import {
  newId,
  PERMISSIONS,
  type Caller,
  type CrmDatabase,
  type CustomerId,
  type Grant,
  type NewRow,
  type OrgUnitId,
  type Row,
  type TableName,
  type TenantId,
  type WriteTx,
} from '@heliograph/crm-core/contracts'

/** Tables of the whole instance, and those the layer itself writes. */
export const INSTANCE_TABLES: readonly TableName[] = ['consumerOffset', 'lease', 'sequence']
const WRITTEN_BY_LAYER: readonly TableName[] = ['audit', 'outbox']
export const TENANT_TABLES = (Object.keys(TABLES) as TableName[]).filter((table) => !INSTANCE_TABLES.includes(table))

const SHORTEST = 8

export interface Seeded {
  tenantId: TenantId
  /** Primary key of the row of each table; composite keys joined by a colon. */
  keys: Map<TableName, string>
}

/** One row in every table of a tenant that did not exist before. References point at the rows made before. */
export async function seedEverything(db: CrmDatabase): Promise<Seeded> {
  const tenantId = newId<'tenant'>()
  const keys = new Map<TableName, string>()
  await db.system.transaction(async (tx) => {
    for (const table of inOrder()) {
      if (WRITTEN_BY_LAYER.includes(table)) continue
      const row = (await tx.create(
        table,
        rowFor(table, tenantId, keys) as unknown as NewRow<TableName>,
      )) as unknown as Record<string, unknown>
      keys.set(table, TABLES[table].primaryKey.map((column) => String(row[column])).join(':'))
    }
    tx.emit({ type: 'record.changed', resource: 'site', id: keys.get('site')!, tenantId })
  })
  return { tenantId, keys }
}

/** Tables after those they refer to. */
function inOrder(): TableName[] {
  const done: TableName[] = []
  const visit = (table: TableName): void => {
    if (done.includes(table)) return
    for (const [column, other] of Object.entries(TABLES[table].references))
      if (other !== table && !TABLES[table].columns[column]!.endsWith('?')) visit(other)
    done.push(table)
  }
  for (const table of TENANT_TABLES) visit(table)
  return done
}

function rowFor(table: TableName, tenantId: string, keys: Map<TableName, string>): Record<string, unknown> {
  const row: Record<string, unknown> = {}
  for (const [column, kind] of Object.entries(TABLES[table].columns)) {
    const other = TABLES[table].references[column]
    if (column === 'tenantId' || (table === 'tenant' && column === 'id')) row[column] = tenantId
    else if (column === 'id') row.id = newId()
    else if (other !== undefined) {
      if (other !== table && keys.has(other)) row[column] = keys.get(other)
    } else if (kind.startsWith('json')) row[column] = []
    else if (kind === 'string') row[column] = shortText()
    else if (kind === 'date') row[column] = new Date(1_760_000_000_000)
    else if (kind === 'boolean') row[column] = false
    else if (!kind.endsWith('?') && column !== 'version') row[column] = Math.floor(Math.random() * 2 ** 31)
  }
  return row
}

/** Unlike any other, and short enough for the shortest column: a server refuses what is longer. */
const shortText = (): string => newId().slice(-SHORTEST)

/** Every row of a tenant in every table, to compare before and after. */
export async function dump(db: CrmDatabase, tenantId: TenantId): Promise<Record<string, unknown[]>> {
  const scoped = db.systemIn(tenantId, 'test')
  const all: Record<string, unknown[]> = {}
  for (const table of TENANT_TABLES) all[table] = await scoped.all(table)
  return all
}

/** A person with every permission. */
export function personOf(tenantId: TenantId, reach: Partial<Omit<Grant, 'permissions'>> = {}): Caller {
  const permissions = new Set(PERMISSIONS.filter((permission) => permission !== 'platform:operate'))
  const grant: Grant = { permissions, reach: 'tenant', orgUnitIds: [], customerIds: [], ...reach }
  return {
    kind: 'user',
    id: newId(),
    tenantId,
    permissions,
    siteScope: grant.reach,
    orgUnitIds: grant.orgUnitIds,
    customerIds: grant.customerIds,
    grants: [grant],
    portal: grant.portal ?? false,
    origin: { address: '192.0.2.1' },
  }
}

export interface Company {
  tenantId: TenantId
  root: OrgUnitId
  north: OrgUnitId
  south: OrgUnitId
  /** A customer with one site each, in the north and in the south. */
  northern: Holding
  southern: Holding
}
export interface Holding {
  customer: Row<'customer'>
  site: Row<'site'>
  device: Row<'device'>
  connection: Row<'connection'>
  alarm: Row<'alarm'>
  ticket: Row<'ticket'>
}

/** A tenant with two units below its root and a customer with everything in each. */
export async function seedCompany(db: CrmDatabase, name: string): Promise<Company> {
  const tenant = await db.as(systemCaller('test')).transaction((tx) => tx.create('tenant', { name, status: 'active' }))
  const tenantId = tenant.id as TenantId
  return await db.systemIn(tenantId, 'test').transaction(async (tx) => {
    const root = await unit(tx, 'root', [])
    const north = await unit(tx, 'north', [root])
    const south = await unit(tx, 'south', [root])
    return {
      tenantId,
      root,
      north,
      south,
      northern: await holding(tx, north, 1),
      southern: await holding(tx, south, 2),
    }
  })
}

async function unit(tx: WriteTx, name: string, above: OrgUnitId[]): Promise<OrgUnitId> {
  const row = await tx.create('orgUnit', { name, parentId: above[0] ?? null })
  await tx.createMany(
    'orgUnitClosure',
    [row.id, ...above].map((ancestorId, depth) => ({ ancestorId, descendantId: row.id, depth })),
  )
  return row.id as OrgUnitId
}

async function holding(tx: WriteTx, orgUnitId: OrgUnitId, number: number): Promise<Holding> {
  const customer = await tx.create('customer', { name: `Customer ${number}`, kind: 'residential', orgUnitId })
  const customerId = customer.id as CustomerId
  const site = await tx.create('site', { name: `Site ${number}`, customerId, orgUnitId, timezone: 'Europe/Berlin' })
  const siteId = site.id
  const device = await tx.create('device', {
    siteId,
    kind: 'inverter',
    role: 'production',
    vendor: 'native',
    serial: `S${number}`,
    name: `Inverter ${number}`,
  })
  const connection = await tx.create('connection', {
    name: `Connection ${number}`,
    transport: 'mqtt',
    vendor: 'native',
    siteId,
    enabled: true,
    username: newId(),
  })
  const ticket = await tx.create('ticket', {
    number,
    subject: `Ticket ${number}`,
    status: 'new',
    priority: 'normal',
    breached: false,
    siteId,
    customerId,
  })
  const alarm = await tx.create('alarm', {
    id: newId(),
    siteId,
    deviceId: device.id,
    ticketId: ticket.id,
    type: 'fault',
    severity: 'major',
    message: 'Fault',
    raisedAt: new Date(),
    historic: false,
  })
  for (const isPublic of [true, false])
    await tx.create('ticketEntry', {
      ticketId: ticket.id,
      kind: 'comment',
      isPublic,
      text: isPublic ? 'told' : 'inner',
    })
  return { customer, site, device, connection, alarm, ticket }
}
