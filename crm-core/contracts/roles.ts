/**
 * Permissions are the only thing code asks for; roles are sets of them, stored as data per tenant and seeded from here.
 * `read` sees, `write` makes and changes, special verbs where an act is more than a change.
 */
export const PERMISSIONS = [
  'site:read',
  'site:write',
  'device:read',
  'device:write',
  'device:claim',
  'telemetry:read',
  'telemetry:export',
  'customer:read',
  'customer:write',
  'alarm:read',
  'alarm:write',
  'ticket:read',
  'ticket:write',
  'sales:read',
  'sales:write',
  'document:read',
  'document:write',
  'connection:read',
  'connection:write',
  'pipeline:read',
  'pipeline:replay',
  'report:read',
  'report:write',
  'notification:read',
  'user:read',
  'user:write',
  'apiKey:read',
  'apiKey:write',
  'audit:read',
  'tenant:read',
  'tenant:write',
  'platform:operate',
  'ingest:write',
] as const
export type Permission = (typeof PERMISSIONS)[number]

export const ROLE_NAMES = ['operator', 'admin', 'support', 'sales', 'analyst', 'customer'] as const
export type RoleName = (typeof ROLE_NAMES)[number]

const everythingOfTheTenant = PERMISSIONS.filter(
  (permission) => permission !== 'platform:operate' && permission !== 'ingest:write',
)

/** The table of contract section 3. */
export const DEFAULT_ROLES: Readonly<Record<RoleName, readonly Permission[]>> = {
  operator: ['platform:operate', 'tenant:read', 'tenant:write'],
  admin: everythingOfTheTenant,
  support: [
    'site:read',
    'site:write',
    'device:read',
    'device:write',
    'device:claim',
    'telemetry:read',
    'telemetry:export',
    'customer:read',
    'customer:write',
    'alarm:read',
    'alarm:write',
    'ticket:read',
    'ticket:write',
    'document:read',
    'document:write',
    'connection:read',
    'connection:write',
    'pipeline:read',
    'pipeline:replay',
    'report:read',
    'notification:read',
    'tenant:read',
  ],
  sales: [
    'customer:read',
    'customer:write',
    'sales:read',
    'sales:write',
    'site:read',
    'document:read',
    'document:write',
    'tenant:read',
  ],
  analyst: [
    'site:read',
    'device:read',
    'telemetry:read',
    'telemetry:export',
    'customer:read',
    'alarm:read',
    'ticket:read',
    'sales:read',
    'document:read',
    'pipeline:read',
    'report:read',
    'report:write',
    'notification:read',
    'tenant:read',
  ],
  customer: [
    'site:read',
    'device:read',
    'telemetry:read',
    'alarm:read',
    'ticket:read',
    'ticket:write',
    'document:read',
  ],
}

export const API_KEY_SCOPES = ['ingest', 'read', 'write', 'admin'] as const
export type ApiKeyScope = (typeof API_KEY_SCOPES)[number]
