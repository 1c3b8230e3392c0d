/** Makes the demo's companies, people, sites and connections, once. History and live values come through the ordinary line. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type createCrm, emitDevice, linkDevice, systemCaller } from '@heliograph/crm-core'
import { type Caller, type CrmDatabase, PERMISSIONS, type TenantId } from '@heliograph/crm-core/contracts'
import type { Settings } from '../settings.ts'
import { DEMO_SITES, DEMO_TENANTS, type DemoDevice, type DemoSite } from './plan.ts'

export interface DemoConnection {
  /** Index into the plan's sites. */
  site: number
  part: 'devices' | 'meter'
  username: string
  secret: string
}
/** What history and simulator need to know of the seeded instance; kept beside its data. */
export interface DemoState {
  seededAt: number
  historyDone: boolean
  connections: DemoConnection[]
  /** Device ids by serial. */
  devices: Record<string, { id: string; tenantId: TenantId }>
}

export const demoFile = (settings: Settings): string => join(settings.dataDir, 'demo.json')
export function readDemo(settings: Settings): DemoState | undefined {
  try {
    return JSON.parse(readFileSync(demoFile(settings), 'utf8')) as DemoState
  } catch {
    return undefined
  }
}
export function writeDemo(settings: Settings, state: DemoState): void {
  mkdirSync(settings.dataDir, { recursive: true })
  // Holds secrets of demo connections: for nobody else's eyes.
  writeFileSync(demoFile(settings), JSON.stringify(state), { mode: 0o600 })
}

interface SeedDeps {
  crm: ReturnType<typeof createCrm>
  db: CrmDatabase
  settings: Settings
}

/** @returns undefined where this instance has tenants that are not the demo's: nothing is mixed into real data */
export async function seedDemo(deps: SeedDeps): Promise<DemoState | undefined> {
  const known = readDemo(deps.settings)
  if (known) return known
  const { crm, db, settings } = deps
  const names = Object.values(DEMO_TENANTS).map(({ name }) => name as string)
  if ((await db.system.count('tenant', { name: { notIn: [...names, 'default'] } })) > 0) return undefined

  const state: DemoState = { seededAt: Date.now(), historyDone: false, connections: [], devices: {} }
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
  return state
}

async function seedTenant(
  { crm, db, settings }: SeedDeps,
  caller: Caller,
  key: keyof typeof DEMO_TENANTS,
  state: DemoState,
): Promise<void> {
  const tenantId = caller.tenantId!
  const customers = new Map<string, string>()
  for (const [index, site] of DEMO_SITES.entries()) {
    if (site.tenant !== key) continue
    const customer = await crm.customers.create(caller, site.customer)
    customers.set(site.customer.name, customer.id)
    const devices = site.meter ? [...site.devices, site.meter] : site.devices
    const peakPowerW = site.devices.reduce((sum, device) => sum + (device.peakPowerW ?? 0), 0)
    const { row } = await crm.sites.create(caller, {
      name: site.name,
      customerId: customer.id,
      timezone: site.timezone,
      latitude: site.latitude,
      longitude: site.longitude,
      address: site.address,
      peakPowerW,
      acCapacityW: Math.round(peakPowerW * 0.9),
      arrays: [{ name: 'Roof', azimuthDeg: site.latitude < 0 ? 0 : 180, tiltDeg: site.tiltDeg, peakPowerW }],
    })
    const connect = async (part: DemoConnection['part'], vendor: string): Promise<string> => {
      const { row: connection, secret } = await crm.connections.create(caller, {
        name: part === 'meter' ? `${site.name}, meter` : site.name,
        transport: 'mqtt',
        vendor,
        siteId: row.id,
      })
      state.connections.push({ site: index, part, username: connection.username, secret })
      return connection.id
    }
    const connectionId = await connect('devices', site.vendor)
    const meterConnectionId = site.meter && (await connect('meter', 'shelly'))
    for (const device of devices) {
      const made = await crm.devices.create(caller, {
        siteId: row.id,
        kind: device.kind,
        role: device.role,
        vendor: device === site.meter ? 'shelly' : site.vendor,
        serial: device.serial,
        name: device.name,
        model: device.model,
        ...(device.peakPowerW !== undefined && { peakPowerW: device.peakPowerW }),
        deliveryIntervalS: Math.max(site.everyS, 10),
      })
      await db.systemIn(tenantId, 'demo').transaction(async (tx) => {
        await linkDevice(tx, {
          deviceId: made.id,
          connectionId: device === site.meter ? meterConnectionId! : connectionId,
          externalId: device.externalId,
        })
        await emitDevice(tx, made)
      })
      state.devices[device.serial] = { id: made.id, tenantId }
    }
  }
  if (key === 'demo') await seedPeople(crm, caller, customers.get('Familie Petersen')!, settings.demoPassword)
}

async function seedPeople(crm: SeedDeps['crm'], caller: Caller, customerId: string, password: string): Promise<void> {
  const people = [
    { email: 'support@demo.test', name: 'Sam Support', role: 'support', phone: '+4915550100001' },
    { email: 'sales@demo.test', name: 'Sasha Sales', role: 'sales' },
    { email: 'analyst@demo.test', name: 'Ana Analyst', role: 'analyst' },
    { email: 'customer@demo.test', name: 'Kim Petersen', role: 'customer', customerIds: [customerId] },
  ]
  for (const { role, ...person } of people) {
    const user = await crm.users.create(caller, { ...person, password, roles: [{ role }] })
    if (role === 'support')
      await crm.subscriptions.create(caller, { userId: user.id, minSeverity: 'critical', channels: ['mail', 'sms'] })
  }
}

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

export const planOf = (connection: DemoConnection): { site: DemoSite; devices: DemoDevice[] } => {
  const site = DEMO_SITES[connection.site]!
  return { site, devices: connection.part === 'meter' ? [site.meter!] : site.devices }
}
