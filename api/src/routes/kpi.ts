import { z } from 'zod'
import { expectedTotals, kpi, registryDevice, registrySite, tenantOf } from '@heliograph/crm-core'
import {
  idSchema,
  ProblemError,
  timeSchema,
  type ReadDb,
  type RegistryDevice,
  type SiteId,
} from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { dataScope } from '../http/scope.ts'
import { instantOf, timeQuerySchema } from '../http/time.ts'
import { dbOf } from '../plugins/caller.ts'

const wattHours = z.number()
const share = z.number().min(0).max(1)
const kpiSchema = z.object({
  siteId: idSchema,
  from: timeSchema,
  to: timeSchema,
  timezone: z.string(),
  /** Readings of the devices that make the production. */
  rows: z.int(),
  method: z.enum(['counter', 'power']),
  energyWh: wattHours,
  /** Null where no power was measured. */
  peakAcPowerW: z.number().nullable(),
  /** Null where the site's rating is not known. */
  specificYieldKwhPerKwp: z.number().nullable(),
  insolationWhM2: z.number().optional(),
  performanceRatio: z.number().optional(),
  /** Over the time that could be compared; absent where none could: not measured is not zero. */
  expectedEnergyWh: wattHours.optional(),
  comparedEnergyWh: wattHours.optional(),
  lossWh: wattHours.optional(),
  coverage: share,
  days: z.array(z.object({ date: z.iso.date(), energyWh: wattHours, coverage: share })),
})

/** A site's energy, yield and performance over a stretch of time. */
export const kpiRoutes: RouteModule = (api, { deps, now }) => {
  api.get(
    '/kpi',
    {
      config: { policy: { permission: 'telemetry:read' } },
      schema: {
        tags: ['telemetry'],
        summary: 'Energy, specific yield and performance ratio of a site; `from` inclusive, `to` exclusive',
        querystring: z.strictObject({ siteId: idSchema, from: timeQuerySchema, to: timeQuerySchema }),
        response: { 200: kpiSchema },
      },
    },
    async (request) => {
      const db = dbOf(request, deps.db)
      const { siteId } = request.query
      const site = await db.get('site', siteId)
      const arrays = await db.all('siteArray', { siteId })
      const from = instantOf(request.query.from, site.timezone)
      const to = instantOf(request.query.to, site.timezone)
      if (!(from < to)) {
        const message = 'is not before `to`'
        throw new ProblemError('invalid_request', `from: ${message}`, { errors: [{ path: 'from', message }] })
      }
      const scope = { ...(await dataScope(db)), tenantId: tenantOf(db.caller) }
      const totals = await expectedTotals(deps.warehouse, scope, {
        tenantId: tenantOf(db.caller),
        siteId: site.id as SiteId,
        from,
        to,
      })
      const figures = await kpi(deps.warehouse, scope, {
        site: registrySite(site, arrays),
        devices: await devicesEverOf(db, site.id),
        from,
        to,
        now: now(),
      })
      return {
        ...figures,
        ...totals,
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        peakAcPowerW: figures.peakAcPowerW ?? null,
        specificYieldKwhPerKwp: figures.specificYieldKwhPerKwp ?? null,
      }
    },
  )
}

/** Devices that stand or stood at a site: what they measured there stays the site's. */
async function devicesEverOf(db: ReadDb, siteId: string): Promise<RegistryDevice[]> {
  const stood = await db.all('deviceSite', { siteId })
  const deviceId = { in: [...new Set(stood.map((period) => period.deviceId))] }
  const [devices, roles, sites] = await Promise.all([
    db.all('device', { OR: [{ siteId }, { id: deviceId }] }),
    db.all('deviceRole', { deviceId }),
    db.all('deviceSite', { deviceId }),
  ])
  const rolesOf = Map.groupBy(roles, (period) => period.deviceId)
  const sitesOf = Map.groupBy(sites, (period) => period.deviceId)
  return devices.map((device) =>
    registryDevice(device, { links: [], roles: rolesOf.get(device.id) ?? [], sites: sitesOf.get(device.id) ?? [] }),
  )
}
