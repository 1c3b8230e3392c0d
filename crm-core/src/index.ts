/**
 * The CRM core: rules over the `CrmDatabase` port. It knows no engine and no HTTP.
 *
 * `createCrm({ db, secret, publicUrl, clock? }): Crm` builds every service once:
 *
 *   crm.auth       login({ email, password }, origin) -> { token, expiresAt, caller, user, tenant, roles }
 *                  check(token, origin?) -> Caller | undefined · logout(token) · me(caller) -> Me
 *                  sessions(caller) -> rows · endSession(caller, id) · changePassword(caller, { current, new })
 *                  requestReset({ email }, origin) · reset({ token, new }, origin)
 *                  onRevoked(listener) -> stop: told at once of { callerIds, sessionIds } whose rights ended or changed
 *                  applyRightsChanged(event): the same from another process · sweep()
 *   crm.apiKeys    create(caller, input) -> { row, key } · revoke(caller, id) · check(key, origin?) -> Caller | undefined
 *   crm.tenants    create(caller, input) -> { tenantId, rootId, adminId } · update · ensureAdmin({ email, password }) · find(idOrName)
 *   crm.tenantSettings brand(tenantId) · setBrand · logo · setLogo · thresholds · setThresholds
 *   crm.orgUnits   create · update · remove
 *   crm.users      create · update · updateOwn(caller, { name?, phone? }) · remove · view(caller, rows) -> User[]
 *   crm.savedViews list(caller) · create · update · remove      crm.search(caller, words, limit) -> SearchHit[]
 *   crm.customers  create · update · remove      crm.contacts  create · update · remove
 *   crm.contracts  create · update · remove
 *   crm.sites      create -> { row, arrays } · update · tag(caller, { siteIds, add?, remove? }) · remove      crm.arrays  create · update · remove
 *   crm.devices    create · update (effective dates) · remove · periods(caller, id) -> { links, roles, sites }
 *   crm.connections create -> { row, secret } · update · rotate(caller, id, { overlapS? }) -> { username, secret, previousValidTo }
 *                  revoke(caller, id) · seen(Map<id, ms>) · announceExpired(since, until)
 *   crm.claims     claim(caller, unclaimedId, input) -> { deviceId, replayId }
 *   crm.replays    create(caller, { connectionId?, from?, to? }) · createForMessage(caller, { connectionId, partition, offset })
 *   crm.alarms     acknowledge(caller, id) · unacknowledge · acknowledgeMany(caller, { siteIds?, ids? }) -> rows · mute(caller, id, { until, reason }) · unmute
 *   crm.tickets    create · update · comment(caller, id, input) · timeline(caller, id) · assignees(caller) · alarmIds(caller, ids) -> Map · markLate()
 *   crm.attachments add(caller, ticketId, { name, bytes, isPublic? }) -> entry · read(caller, ticketId, id) -> { attachment, bytes }
 *   crm.subscriptions create · remove
 *   crm.notifications  deliver({ mail?, sms? }, limit?, onResult?) -> counts · due(channels, limit?) · settle(row, result)
 *                  report(channel, id, told) · waiting(channels) -> count
 *   crm.desk       applyAlarms(records, position) · applyUnclaimed(records, position) · applyReplayProgress(records, position)
 *                  positions(topic, consumer) -> where to go on after a start
 *   crm.audit      verify(tenantId, anchor?) -> verdict · head(tenantId) · erase(tenantId, resource, resourceId)
 *   crm.leases     acquire(name, holder, ttlMs) · release(name, holder) · holds(lease)
 *   crm.idempotency begin(caller, key, request) · finish(id, status, response) · abandon(id) · sweep()
 *
 * Everywhere: `(caller, id, changes, { ifVersion? })`; answers are rows, and `resources/` turns rows into API resources
 * (`siteResource(row, …)`, `deviceResource`, …). Problems are `ProblemError`s. Lists are read straight from the port:
 * `db.as(caller).page('site', { where, orderBy, limit, cursor })`.
 *
 * Rights: `narrowCaller(caller, permission)` restricts a caller to the places where it holds a permission; routes call it
 * with the permission of their policy and hand the result to `db.as`. `requirePermission(caller, permission)` throws
 * `forbidden`.
 *
 * Beside the services: `createOutboxRelay({ db, publish })`, `createCrmJobs({ crm, senders })` (messages, expiry,
 * sweeping; start and stop it with the process that owns the CRM), `createCrmDatabase(engine)` (the access layer that every
 * engine is wrapped in), `buildRegistrySnapshot(rows)`, `systemCaller(part, tenantId?)`, `createSecretBox(secret).open(cipher)`.
 */
export {
  type AddressClass,
  type BrokerHosts,
  classOfAddress,
  DEFAULT_BROKER_HOSTS,
  parseBrokerHosts,
} from './assets/broker-hosts.ts'
export { type BrokerAddress, brokerAddress } from './assets/broker-settings.ts'
export { emitDevice, linkDevice } from './assets/device-periods.ts'
export { likeSitesAround } from './assets/like-sites.ts'
export * from './assets/registry-facts.ts'
export { BROKER_PASSWORDS, createSecretBox, type SecretBox } from './assets/secret-box.ts'
export { type FailureChange } from './auth/failure-limits.ts'
export { type Revocation } from './auth/revocation.ts'
export { hashToken } from './auth/tokens.ts'
export { createCrm, type Crm, type CrmOptions } from './crm.ts'
export * from './database/index.ts'
export { type AppliedAlarms } from './desk/apply-alarms.ts'
export { type DeliveryCounts, type DeliveryResult, type Senders } from './desk/notifications.ts'
export * from './jobs/crm-jobs.ts'
export { createLeases } from './jobs/leases.ts'
export * from './jobs/outbox-relay.ts'
export { Pace } from './pace.ts'
export * from './resources/assets.ts'
export * from './resources/desk.ts'
export * from './resources/people.ts'
export { narrowCaller, requirePermission, hasPermission, tenantOf } from './rights/callers.ts'
export * from './registry/registry.ts'
export * from './solar/index.ts'
export * from './telemetry/index.ts'
