import { z } from 'zod'
import {
  SEVERITIES,
  SITE_STATUSES,
  type LiveSite,
  type Severity,
  type SiteStatus,
} from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { createFleetSites } from '../http/fleet-sites.ts'
import { liveSite, siteStatusOf } from '../http/live-state.ts'
import { dbOf } from '../plugins/caller.ts'

const tags = ['fleet']
const statusesSchema = z.object(
  Object.fromEntries(SITE_STATUSES.map((status) => [status, z.number().int()])) as Record<SiteStatus, z.ZodNumber>,
)

/** The whole fleet at a glance, from the live state; never from the raw table. */
export const fleetRoutes: RouteModule = (api, { deps, now }) => {
  const { db, live } = deps
  const fleet = createFleetSites(deps, now)
  api.addHook('onClose', (_app, done) => {
    fleet.stop()
    done()
  })

  api.get(
    '/fleet/summary',
    {
      config: { policy: { permission: 'site:read' } },
      schema: {
        tags,
        summary: 'Counts and sums over the sites you see',
        response: {
          200: z.object({
            sites: z.number().int(),
            statuses: statusesSchema,
            peakPowerW: z.number(),
            /** Sum over sites whose production is known now; null where none is. */
            acPowerW: z.number().nullable(),
            energyTodayWh: z.number().nullable(),
            /** Over the sites of which it is measured today; null where it is of none. */
            expectedTodayWh: z.number().nullable(),
            lossTodayWh: z.number().nullable(),
            /** Sites whose loss is measured. */
            comparedSites: z.number().int(),
            /** Sites that the two sums above contain. */
            measuredSites: z.number().int(),
            openAlarms: z.object(
              Object.fromEntries(SEVERITIES.map((name) => [name, z.number().int()])) as Record<Severity, z.ZodNumber>,
            ),
          }),
        },
      },
    },
    async (request) => {
      const database = dbOf(request, db)
      const { sites } = await fleet.sitesOf(database)
      const statuses = Object.fromEntries(SITE_STATUSES.map((status) => [status, 0])) as Record<SiteStatus, number>
      let peakPowerW = 0
      const power = sum()
      const energy = sum()
      const expected = sum()
      const loss = sum()
      for (const site of sites) {
        const value: LiveSite | undefined = liveSite(live, database.caller.tenantId, site.id)
        statuses[siteStatusOf(value)]++
        peakPowerW += site.peakPowerW ?? 0
        power.add(value?.acPowerW)
        energy.add(value?.energyTodayWh)
        expected.add(value?.expectedTodayWh)
        loss.add(value?.lossTodayWh)
      }
      const seesAlarms = database.caller.permissions.has('alarm:read')
      const counts = await Promise.all(
        SEVERITIES.map((severity) =>
          seesAlarms ? database.count('alarm', { clearedAt: null, historic: false, severity }) : Promise.resolve(0),
        ),
      )
      return {
        sites: sites.length,
        statuses,
        peakPowerW,
        acPowerW: power.total(),
        energyTodayWh: energy.total(),
        expectedTodayWh: expected.total(),
        lossTodayWh: loss.total(),
        comparedSites: loss.count(),
        measuredSites: power.count(),
        openAlarms: Object.fromEntries(SEVERITIES.map((name, index) => [name, counts[index]])) as Record<
          Severity,
          number
        >,
      }
    },
  )
}

/** Adds what is known; a sum of nothing is not zero. */
function sum() {
  let total = 0
  let count = 0
  return {
    add(value: number | undefined) {
      if (value === undefined) return
      total += value
      count++
    },
    total: () => (count === 0 ? null : total),
    count: () => count,
  }
}
