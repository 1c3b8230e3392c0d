/**
 * Who sees which rows of which table: the one place that says so. Every table has an entry, and a table without one does not
 * compile. Rules are conditions that the layer adds to every read and checks on every write.
 */
import type { Caller, TableName } from '../../contracts/index.ts'
import type { Condition, PlainRow } from './engine.ts'

/** Matches no row: one of nothing. */
export const NOTHING: Condition = { OR: [] }
/** Adds no restriction beyond the tenant. */
const EVERYTHING: Condition = {}

export interface TablePolicy {
  /** Column that holds the tenant; absent: a table of the whole instance, for the system alone. */
  tenantColumn?: 'tenantId' | 'id'
  /** What a caller bound to a tenant sees in it. */
  visible(caller: Caller): Condition
  /** Whether changes are written to the audit trail. Off only for machine bookkeeping without a person's or customer's data. */
  audited: boolean
  /** Columns nobody but the system reads, and that never enter the audit trail. */
  secret?: readonly string[]
  /** Narrows `secret`: whether it is kept from this caller in this row. Default: always. */
  keptFrom?(caller: Caller, row: PlainRow): boolean
  /** Columns written for staff: empty to people who are in the portal as customers. */
  internal?: readonly string[]
  /** Columns that change too often and mean too little to be audited; a change of these alone writes no entry. */
  unaudited?: readonly string[]
}

const limited = (caller: Caller): boolean => caller.siteScope === 'limited'
const isPerson = (caller: Caller): boolean => caller.kind === 'user'
const under = (caller: Caller): Condition =>
  caller.orgUnitIds.length === 0 ? NOTHING : { above: { some: { ancestorId: { in: [...caller.orgUnitIds] } } } }

/** Sites a limited caller sees: those of its customers and those under its units. */
const siteRule = (caller: Caller): Condition => {
  const ways: Condition[] = []
  if (caller.customerIds.length > 0) ways.push({ customerId: { in: [...caller.customerIds] } })
  if (caller.orgUnitIds.length > 0) ways.push({ orgUnit: under(caller) })
  return { OR: ways }
}
const customerRule = (caller: Caller): Condition => {
  const ways: Condition[] = []
  if (caller.customerIds.length > 0) ways.push({ id: { in: [...caller.customerIds] } })
  if (caller.orgUnitIds.length > 0)
    ways.push({ orgUnit: under(caller) }, { sites: { some: { orgUnit: under(caller) } } })
  return { OR: ways }
}
/** A ticket with a site is seen by who sees the site; one without by who sees the customer. */
const ticketRule = (caller: Caller): Condition => ({
  OR: [{ site: siteRule(caller) }, { siteId: null, customer: customerRule(caller) }],
})
const own = (caller: Caller): Condition => (isPerson(caller) ? { userId: caller.id } : NOTHING)

/** Staff only: people who are in the portal as customers see nothing of it. */
const staff =
  (rule: (caller: Caller) => Condition) =>
  (caller: Caller): Condition =>
    caller.portal === true ? NOTHING : rule(caller)
const whenLimited =
  (rule: (caller: Caller) => Condition) =>
  (caller: Caller): Condition =>
    limited(caller) ? rule(caller) : EVERYTHING
const nobody = (): Condition => NOTHING
const everybody = (): Condition => EVERYTHING

const tenantId = 'tenantId' as const
export const POLICIES: Readonly<Record<TableName, TablePolicy>> = {
  tenant: { tenantColumn: 'id', visible: everybody, audited: true },
  orgUnit: { tenantColumn: tenantId, visible: staff(whenLimited(under)), audited: true },
  orgUnitClosure: {
    tenantColumn: tenantId,
    visible: staff(whenLimited((caller) => ({ descendant: under(caller) }))),
    audited: false,
  },
  user: {
    tenantColumn: tenantId,
    visible: whenLimited((caller) => ({
      OR: [
        { id: isPerson(caller) ? caller.id : '' },
        ...(caller.orgUnitIds.length > 0 ? [{ roles: { some: { orgUnit: under(caller) } } }] : []),
      ],
    })),
    audited: true,
    secret: ['passwordHash'],
    unaudited: ['lastLoginAt'],
  },
  role: { tenantColumn: tenantId, visible: staff(everybody), audited: true },
  roleAssignment: {
    tenantColumn: tenantId,
    visible: whenLimited((caller) => ({ OR: [own(caller), { orgUnit: under(caller) }] })),
    audited: true,
  },
  userCustomer: {
    tenantColumn: tenantId,
    visible: whenLimited((caller) => ({
      OR: [own(caller), ...(caller.portal === true ? [] : [{ customer: customerRule(caller) }])],
    })),
    audited: true,
  },
  session: { tenantColumn: tenantId, visible: own, audited: false, secret: ['tokenHash'] },
  passwordReset: { tenantColumn: tenantId, visible: nobody, audited: false, secret: ['tokenHash'] },
  apiKey: {
    tenantColumn: tenantId,
    visible: staff((caller) => ({ revokedAt: null, ...(limited(caller) ? { createdById: caller.id } : {}) })),
    audited: true,
    secret: ['tokenHash'],
  },
  customer: { tenantColumn: tenantId, visible: whenLimited(customerRule), audited: true, internal: ['notes'] },
  contact: {
    tenantColumn: tenantId,
    visible: whenLimited((caller) => ({ customer: customerRule(caller) })),
    audited: true,
  },
  // Promises and prices are between the company and its customer's office: the portal shows none of them, but what energy was worth.
  contract: {
    tenantColumn: tenantId,
    visible: staff(whenLimited((caller) => ({ customer: customerRule(caller) }))),
    audited: true,
  },
  site: { tenantColumn: tenantId, visible: whenLimited(siteRule), audited: true },
  siteArray: {
    tenantColumn: tenantId,
    visible: whenLimited((caller) => ({ site: siteRule(caller) })),
    audited: true,
  },
  device: {
    tenantColumn: tenantId,
    visible: whenLimited((caller) => ({ site: siteRule(caller) })),
    audited: true,
    // Told by the device, not entered by anybody: who edits the device meanwhile has not met somebody else's change.
    unaudited: ['firmware'],
  },
  deviceLink: {
    tenantColumn: tenantId,
    visible: staff(whenLimited((caller) => ({ device: { site: siteRule(caller) } }))),
    audited: true,
  },
  deviceRole: {
    tenantColumn: tenantId,
    visible: whenLimited((caller) => ({ device: { site: siteRule(caller) } })),
    audited: true,
  },
  deviceSite: {
    tenantColumn: tenantId,
    visible: whenLimited((caller) => ({ device: { site: siteRule(caller) } })),
    audited: true,
  },
  connection: {
    tenantColumn: tenantId,
    // Revoked is gone; the row stays for the history of the links that name it.
    visible: staff((caller) => ({ revokedAt: null, ...(limited(caller) ? { site: siteRule(caller) } : {}) })),
    audited: true,
    unaudited: ['lastSeenAt'],
  },
  credential: {
    tenantColumn: tenantId,
    visible: nobody,
    audited: true,
    secret: ['secretHash', 'secretCipher'],
  },
  unclaimed: {
    tenantColumn: tenantId,
    visible: staff(whenLimited((caller) => ({ connection: { site: siteRule(caller) } }))),
    audited: false,
  },
  replay: {
    tenantColumn: tenantId,
    visible: staff(whenLimited((caller) => ({ requestedById: caller.id }))),
    audited: true,
    unaudited: ['state', 'done', 'total', 'error'],
  },
  alarm: {
    tenantColumn: tenantId,
    visible: whenLimited((caller) => ({ site: siteRule(caller) })),
    audited: true,
    internal: ['muteReason'],
  },
  // Seen by who sees one of its sites; which sites are told is narrowed again.
  incident: {
    tenantColumn: tenantId,
    visible: whenLimited((caller) => ({ sites: { some: { site: siteRule(caller) } } })),
    audited: true,
    internal: ['ticketId'],
  },
  incidentSite: {
    tenantColumn: tenantId,
    visible: whenLimited((caller) => ({ site: siteRule(caller) })),
    audited: false,
  },
  ticket: {
    tenantColumn: tenantId,
    visible: whenLimited(ticketRule),
    audited: true,
    internal: ['contractId'],
    // Told in the timeline; whoever edits the ticket meanwhile has not met somebody else's change.
    unaudited: ['firstRespondedAt', 'breached'],
  },
  ticketEntry: {
    tenantColumn: tenantId,
    visible: (caller) => ({
      ...(limited(caller) ? { ticket: ticketRule(caller) } : {}),
      ...(caller.portal === true ? { isPublic: true } : {}),
    }),
    audited: true,
  },
  subscription: { tenantColumn: tenantId, visible: whenLimited(own), audited: true },
  notification: {
    tenantColumn: tenantId,
    visible: (caller) =>
      caller.portal === true
        ? own(caller)
        : limited(caller)
          ? { OR: [own(caller), { ticket: ticketRule(caller) }] }
          : EVERYTHING,
    audited: true,
    secret: ['text'],
    // A reset link in an outbox page would hand every account to whoever reads that page.
    keptFrom: (caller, row) => row.confidential === true && !caller.permissions.has('platform:operate'),
    unaudited: ['state', 'attempts', 'nextAttemptAt', 'sentAt', 'providerId', 'error'],
  },
  audit: {
    tenantColumn: tenantId,
    visible: staff(whenLimited((caller) => ({ actorId: caller.id }))),
    audited: false,
    secret: ['salt'],
  },
  outbox: { tenantColumn: tenantId, visible: nobody, audited: false },
  consumerOffset: { visible: nobody, audited: false },
  idempotencyKey: { tenantColumn: tenantId, visible: nobody, audited: false },
  lease: { visible: nobody, audited: false },
  savedView: { tenantColumn: tenantId, visible: own, audited: false },
  setting: { tenantColumn: tenantId, visible: staff(everybody), audited: true },
  sequence: { visible: nobody, audited: false },
}

/** Whether the caller is bound to no tenant: parts of the system and the operator at the machine itself. */
export const isUnbound = (caller: Caller): boolean =>
  caller.tenantId === undefined && (caller.kind === 'system' || caller.kind === 'local')
/** System rights, inside a tenant or beyond. */
export const isSystem = (caller: Caller): boolean => caller.kind === 'system' || caller.kind === 'local'

/** The condition every read and write of this caller carries. */
export function scopeOf(caller: Caller, table: TableName): Condition {
  const policy = POLICIES[table]
  if (isUnbound(caller)) return EVERYTHING
  // The platform's operator runs tenants and sees nothing inside them.
  if (table === 'tenant' && caller.permissions.has('platform:operate')) return EVERYTHING
  if (policy.tenantColumn === undefined || caller.tenantId === undefined) return NOTHING
  const tenant = { [policy.tenantColumn]: caller.tenantId }
  return isSystem(caller) ? tenant : { AND: [tenant, policy.visible(caller)] }
}
