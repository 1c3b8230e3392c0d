import { z } from 'zod'
import { tenantOf, type SeriesTarget } from '@heliograph/crm-core'
import {
  idSchema,
  ProblemError,
  type DataScope,
  type DeviceId,
  type ReadDb,
  type Row,
  type SiteId,
} from '@heliograph/crm-core/contracts'
import { coversTenant, dataScope } from './scope.ts'

/** `device:ID`, `site:ID`, `org:ID` or `tenant`. */
export const seriesScopeSchema = z.union([
  z.literal('tenant'),
  z.templateLiteral(['device:', idSchema]),
  z.templateLiteral(['site:', idSchema]),
  z.templateLiteral(['org:', idSchema]),
])

export interface ResolvedScope {
  scope: DataScope
  target: SeriesTarget
  timezone: string
}

/**
 * What a scope means for this caller: the rows it may see of it, and the zone its days are told in.
 * @throws ProblemError `not_found` for a device, site or unit that is not the caller's to see
 */
export async function resolveScope(db: ReadDb, text: string): Promise<ResolvedScope> {
  const [kind, id = ''] = text.split(':', 2)
  const tenantId = tenantOf(db.caller)
  switch (kind) {
    case 'device': {
      const device = await db.get('device', id)
      const site = await db.get('site', device.siteId)
      // A device that moved has history at sites that not everybody who sees it now may see.
      return {
        scope: await dataScope(db),
        target: { kind: 'device', deviceId: device.id as DeviceId },
        timezone: site.timezone,
      }
    }
    case 'site': {
      const site = await db.get('site', id)
      const siteIds = [site.id as SiteId]
      return {
        scope: { tenantId, siteIds },
        target: { kind: 'sites', siteIds },
        timezone: site.timezone,
      }
    }
    case 'org': {
      await db.get('orgUnit', id)
      const below = await db.all('orgUnitClosure', { ancestorId: id })
      return ofSites(db, await db.all('site', { orgUnitId: { in: below.map(({ descendantId }) => descendantId) } }))
    }
    case 'tenant': {
      if (!coversTenant(db.caller)) return ofSites(db, await db.all('site'))
      return { scope: { tenantId }, target: { kind: 'sites' }, timezone: commonZone(await db.find('site')) }
    }
    default:
      throw new ProblemError('invalid_request')
  }
}

function ofSites(db: ReadDb, sites: Row<'site'>[]): ResolvedScope {
  const siteIds = sites.map(({ id }) => id as SiteId)
  return {
    scope: { tenantId: tenantOf(db.caller), siteIds },
    target: { kind: 'sites', siteIds },
    timezone: commonZone(sites),
  }
}

/** Days of several sites are their own local dates; on the axis they are put where most sites' days begin. */
function commonZone(sites: readonly Row<'site'>[]): string {
  const counts = new Map<string, number>()
  for (const { timezone } of sites) counts.set(timezone, (counts.get(timezone) ?? 0) + 1)
  let best = 'UTC'
  for (const [zone, count] of counts) if (count > (counts.get(best) ?? 0)) best = zone
  return best
}
