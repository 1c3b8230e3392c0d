import type { CrmDatabase, FileStore } from '../contracts/index.ts'
import { type BrokerHosts, DEFAULT_BROKER_HOSTS, parseBrokerHosts } from './assets/broker-hosts.ts'
import { createClaims, createReplays } from './assets/claims.ts'
import { createConnections } from './assets/connections.ts'
import { createContracts } from './assets/contracts.ts'
import { createContacts, createCustomers } from './assets/customers.ts'
import { createDevices } from './assets/devices.ts'
import { createArrays, createSites } from './assets/sites.ts'
import { createWorth } from './assets/worth.ts'
import { createApiKeys } from './auth/api-keys.ts'
import { createAuth, type AuthLimits } from './auth/auth.ts'
import { createRevocations } from './auth/revocation.ts'
import type { CrmDeps } from './deps.ts'
import { createAlarms } from './desk/alarms.ts'
import { createAttachments } from './desk/attachments.ts'
import { createDesk } from './desk/desk.ts'
import { createNotifications } from './desk/notifications.ts'
import { createSubscriptions } from './desk/subscriptions.ts'
import { createTickets } from './desk/tickets.ts'
import { createSearch } from './search/search.ts'
import { createAudit } from './jobs/audit.ts'
import { createIdempotency } from './jobs/idempotency.ts'
import { createLeases } from './jobs/leases.ts'
import { createOrgUnits } from './tenancy/org-units.ts'
import { createSavedViews } from './tenancy/saved-views.ts'
import { createTenantSettings } from './tenancy/tenant-settings.ts'
import { createTenants } from './tenancy/tenants.ts'
import { createUsers } from './tenancy/users.ts'

export interface CrmOptions extends AuthLimits {
  db: CrmDatabase
  /** `HELIO_SECRET`. */
  secret: string
  /** `HELIO_PUBLIC_URL`: where links in mails lead. */
  publicUrl: string
  /** Where files of tickets lie. Absent: none are taken. */
  files?: FileStore
  /** Which hosts a broker's address may name. Default: public ones. */
  brokerHosts?: BrokerHosts
  /** UTC milliseconds. */
  signInPeers?: CrmDeps['signInPeers']
  now?: () => number
}
export type Crm = ReturnType<typeof createCrm>

/** Every service of the CRM over one database. */
export function createCrm(options: CrmOptions) {
  const deps: CrmDeps = {
    db: options.db,
    secret: options.secret,
    publicUrl: options.publicUrl.replace(/\/+$/, ''),
    brokerHosts: options.brokerHosts ?? parseBrokerHosts(DEFAULT_BROKER_HOSTS),
    now: options.now ?? Date.now,
    ...(options.signInPeers && { signInPeers: options.signInPeers }),
  }
  const revocations = createRevocations()
  return {
    db: deps.db,
    auth: createAuth(deps, revocations, options),
    apiKeys: createApiKeys(deps, revocations),
    tenants: createTenants(deps, revocations),
    tenantSettings: createTenantSettings(deps),
    orgUnits: createOrgUnits(deps, revocations),
    users: createUsers(deps, revocations),
    savedViews: createSavedViews(deps),
    search: createSearch(deps),
    customers: createCustomers(deps),
    contacts: createContacts(deps),
    contracts: createContracts(deps),
    sites: createSites(deps),
    worth: createWorth(deps),
    arrays: createArrays(deps),
    devices: createDevices(deps),
    connections: createConnections(deps),
    claims: createClaims(deps),
    replays: createReplays(deps),
    alarms: createAlarms(deps),
    tickets: createTickets(deps),
    attachments: createAttachments(deps, options.files),
    subscriptions: createSubscriptions(deps),
    notifications: createNotifications(deps),
    desk: createDesk(deps),
    audit: createAudit(deps),
    leases: createLeases(deps),
    idempotency: createIdempotency(deps),
  }
}
