/** Makes the demo's companies, people, sites and connections, once. History and live values come through the ordinary line. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { type createCrm, emitDevice, linkDevice, systemCaller } from '@heliograph/crm-core'
import { type Caller, type CrmDatabase, PERMISSIONS, type TenantId } from '@heliograph/crm-core/contracts'
import type { Settings } from '../settings.ts'
import { contractOf } from './contracts.ts'
import { capacityOf, DEMO_TENANTS, DEMO_UNITS, type DemoArray, type DemoSite, partsOf, peakOf } from './plan.ts'
import { seedPeople, seedTickets } from './people.ts'
import { DEMO_SITES } from './sites.ts'
import { seedMark } from './reset-request.ts'
import { hash } from './sky.ts'
import { SPEECHES } from './speech/index.ts'
import { demoFile, type DemoState, PLAN_VERSION, readDemo, writeDemo } from './state.ts'
import { REPLACED_BEFORE_MS } from './troubles.ts'

interface SeedDeps {
  crm: ReturnType<typeof createCrm>
  db: CrmDatabase
  settings: Settings
  /** UTC milliseconds. */
  now?: () => number
}
/** Said where people look for what a customer is. */
const NOTES = 'Demo: a modelled plant under recorded clouds. No figure of it is a measurement of a real one.'

/** @returns undefined where this instance has tenants that are not the demo's: nothing is mixed into real data */
export async function seedDemo(deps: SeedDeps): Promise<DemoState | undefined> {
  const { crm, db, settings } = deps
  if (existsSync(demoFile(settings))) return readDemo(settings)
  const names = Object.values(DEMO_TENANTS).map(({ name }) => name as string)
  if ((await db.system.count('tenant', { name: { notIn: [...names, 'default'] } })) > 0) return undefined

  writeFileSync(seedMark(settings), '')
  const seededAt = (deps.now ?? Date.now)()
  const state: DemoState = {
    plan: PLAN_VERSION,
    seededAt,
    days: settings.demoDays,
    historyJob: 0,
    connections: [],
    devices: {},
  }
  for (const [key, { name, domain }] of Object.entries(DEMO_TENANTS)) {
    const existing = await db.system.first('tenant', { name })
    const tenantId =
      (existing?.id as TenantId | undefined) ??
      (
        await crm.tenants.create(systemCaller('demo'), {
          name,
          adminEmail: `admin@${domain}`,
          adminName: 'Alex Admin',
          adminPassword: settings.demoPassword,
        })
      ).tenantId
    // A seed that was cut off begins this tenant's sites anew only where none is there.
    if (existing && (await db.systemIn(tenantId, 'demo').count('site')) > 0) continue
    await seedTenant(deps, everyRight(tenantId), key as keyof typeof DEMO_TENANTS, state)
  }
  writeDemo(settings, state)
  rmSync(seedMark(settings), { force: true })
  return state
}

async function seedTenant(
  deps: SeedDeps,
  caller: Caller,
  key: keyof typeof DEMO_TENANTS,
  state: DemoState,
): Promise<void> {
  const { crm } = deps
  const units = key === 'demo' ? await seedUnits(crm, caller) : new Map<string, string>()
  const customers = new Map<string, string>()
  const siteIds = new Map<string, string>()
  for (const [index, site] of DEMO_SITES.entries()) {
    if (site.tenant !== key) continue
    const { contacts = [], ...customer } = site.customer
    const orgUnitId = site.unit === undefined ? undefined : units.get(site.unit)!
    const placed = { ...(orgUnitId && { orgUnitId }) }
    const { id: customerId } = await crm.customers.create(caller, {
      ...customer,
      ...placed,
      address: site.address,
      notes: NOTES,
    })
    customers.set(customer.name, customerId)
    await crm.contracts.create(caller, { customerId, ...contractOf(site, state.seededAt) })
    for (const contact of contacts) await crm.contacts.create(caller, { customerId, ...contact })
    const { row } = await crm.sites.create(caller, {
      name: site.name,
      customerId,
      ...placed,
      timezone: site.timezone,
      latitude: site.latitude,
      longitude: site.longitude,
      address: site.address,
      peakPowerW: peakOf(site),
      acCapacityW: capacityOf(site),
      arrays: arraysOf(site),
      tags: [...site.tags],
    })
    siteIds.set(site.name, row.id)
    await seedDevices(deps, caller, { index, site, siteId: row.id }, state)
  }
  if (key !== 'demo') return
  // A house with battery and meter: who looks at the portal sees all that it can show.
  await seedPeople(crm, caller, customers.get('Familie Huber')!, deps.settings.demoPassword)
  await seedTickets(crm, caller, siteIds)
}

async function seedUnits(crm: SeedDeps['crm'], caller: Caller): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const { name, above } of DEMO_UNITS) {
    const unit = await crm.orgUnits.create(caller, { name, ...(above && { parentId: ids.get(above)! }) })
    ids.set(name, unit.id)
  }
  return ids
}

/** The site's arrays with the modules that hang on them. */
function arraysOf(site: DemoSite): (DemoArray & { peakPowerW: number })[] {
  return site.arrays.map((array, index) => ({
    ...array,
    peakPowerW: peakOf({ ...site, devices: site.devices.filter((device) => (device.array ?? 0) === index) }),
  }))
}

async function seedDevices(
  { crm, db }: SeedDeps,
  caller: Caller,
  { index, site, siteId }: { index: number; site: DemoSite; siteId: string },
  state: DemoState,
): Promise<void> {
  const tenantId = caller.tenantId!
  for (const [part, devices] of partsOf(site)) {
    const { vendor } = devices[0]!
    const { transport } = SPEECHES[vendor](site, devices)
    const { row: connection, secret } = await crm.connections.create(caller, {
      name: part === 'native' || partsOf(site).size === 1 ? site.name : `${site.name}, ${part}`,
      transport,
      vendor,
      siteId,
      ...(transport === 'webhook' && { scheme: 'basic' }),
    })
    state.connections.push({ site: index, part, id: connection.id, username: connection.username, secret })
    for (const device of devices) {
      const { kind, role, serial, name, model, peakPowerW, externalId } = device
      const made = await crm.devices.create(caller, {
        siteId,
        kind,
        role,
        vendor,
        serial,
        name,
        model,
        ...(peakPowerW !== undefined && { peakPowerW }),
        deliveryIntervalS: Math.max(site.everyS, 10),
        warrantyUntil: warrantyOf(serial, state.seededAt),
      })
      await db.systemIn(tenantId, 'demo').transaction(async (tx) => {
        await linkDevice(tx, { deviceId: made.id, connectionId: connection.id, externalId })
        await emitDevice(tx, made)
      })
      state.devices[serial] = { id: made.id, tenantId }
    }
  }
  const old = site.devices.find(({ trouble }) => trouble === 'replaced')
  const by = site.devices.find(({ trouble }) => trouble === 'new')
  if (old && by)
    await crm.devices.update(caller, state.devices[old.serial]!.id, {
      replacedById: state.devices[by.serial]!.id,
      effectiveFrom: new Date(state.seededAt - REPLACED_BEFORE_MS),
    })
}

/** Between one and eight years from now. */
const warrantyOf = (serial: string, now: number): string =>
  new Date(now + (1 + 7 * hash(`${serial}/warranty`)) * 365 * 86_400_000).toISOString().slice(0, 10)

function everyRight(tenantId: TenantId): Caller {
  const permissions = new Set(PERMISSIONS)
  return {
    kind: 'local',
    id: 'demo',
    tenantId,
    permissions,
    siteScope: 'tenant',
    orgUnitIds: [],
    customerIds: [],
    grants: [{ permissions, reach: 'tenant', orgUnitIds: [], customerIds: [] }],
  }
}
