import type { Caller, DataScope, ReadDb, SiteId } from '@heliograph/crm-core/contracts'
import { tenantOf } from '@heliograph/crm-core'

/**
 * Whose rows of the warehouse a caller may see: the whole tenant, or the sites its rights reach, as the database says.
 * @param db as the caller, narrowed to the permission that is asked for
 */
export async function dataScope(db: ReadDb): Promise<DataScope> {
  const { caller } = db
  const tenantId = tenantOf(caller)
  if (coversTenant(caller)) return { tenantId }
  const sites = await db.all('site')
  return { tenantId, siteIds: sites.map(({ id }) => id as SiteId) }
}
export const coversTenant = (caller: Caller): boolean => caller.siteScope === 'tenant'
