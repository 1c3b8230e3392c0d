import { PERMISSIONS, type Caller, type CallerOrigin, type TenantId } from '@heliograph/crm-core/contracts'

/**
 * Whoever may open the socket in the data directory may read the files beside it: every right, inside the tenant it names
 * or, without one, as the operator at the machine itself.
 */
export function localCaller(tenantId: TenantId | undefined, origin: CallerOrigin): Caller {
  const permissions = new Set(PERMISSIONS)
  return {
    kind: 'local',
    id: 'local',
    ...(tenantId === undefined ? {} : { tenantId }),
    permissions,
    siteScope: 'tenant',
    orgUnitIds: [],
    customerIds: [],
    grants: [{ permissions, reach: 'tenant', orgUnitIds: [], customerIds: [] }],
    portal: false,
    origin,
  }
}
