/** Commands about tenants, people and the audit trail. */
import { INSTANCE_TENANT } from '@heliograph/crm-core'
import { type Client, CliError, listAll, tenantsOf } from './client.ts'
import { note, printJson } from './output.ts'

interface Tenant {
  id: string
  name: string
}
interface User {
  id: string
  email: string
  name: string
  status: string
  roles: { role: string; orgUnitId: string }[]
}

export interface TenantCreateOptions {
  name: string
  adminEmail: string
  adminPassword: string
  adminName?: string
}
/** Makes a tenant with its first administrator; prints `{tenantId, name, adminId, adminEmail}`. */
export async function tenantCreateCommand(client: Client, options: TenantCreateOptions): Promise<void> {
  const { name, adminEmail, adminPassword, adminName } = options
  const body = { name, adminEmail, adminPassword, ...(adminName !== undefined && { adminName }) }
  const { id } = await client.call<Tenant>('POST', '/api/v1/tenants', body)
  const [admin] = await listAll<User>(client, '/api/v1/users', id)
  printJson({ tenantId: id, name, adminId: admin?.id, adminEmail: admin?.email ?? adminEmail })
}
export async function tenantListCommand(client: Client): Promise<void> {
  for (const tenant of await listAll<Tenant>(client, '/api/v1/tenants')) printJson(tenant)
}

/** A tenant by id or name; with a key there is but one. */
async function tenantOf(client: Client, wanted: string | undefined): Promise<string | undefined> {
  if (client.byKey) return undefined
  const tenants = await listAll<Tenant>(client, '/api/v1/tenants')
  if (wanted === undefined) {
    if (tenants.length === 1) return tenants[0]!.id
    throw new CliError(`give --tenant: one of ${tenants.map(({ name }) => name).join(', ')}`, 2)
  }
  const found = tenants.find(({ id, name }) => id === wanted || name === wanted)
  if (!found) throw new CliError(`there is no tenant "${wanted}"`)
  return found.id
}

export interface UserCreateOptions {
  tenant?: string
  email: string
  name?: string
  role: string
  password?: string
}
export async function userCreateCommand(client: Client, options: UserCreateOptions): Promise<void> {
  const tenantId = await tenantOf(client, options.tenant)
  const { email, name = email, role, password } = options
  const body = { email, name, roles: [{ role }], ...(password !== undefined && { password }) }
  const { id, status } = await client.call<User>('POST', '/api/v1/users', body, { tenantId })
  if (password === undefined) note('a mail to choose a password is in the outbox')
  printJson({ userId: id, email, role, status })
}
export async function userListCommand(client: Client, options: { tenant?: string }): Promise<void> {
  const tenants = options.tenant === undefined ? await tenantsOf(client) : [await tenantOf(client, options.tenant)]
  for (const tenantId of tenants)
    for (const { id, email, name, status, roles } of await listAll<User>(client, '/api/v1/users', tenantId))
      printJson({
        userId: id,
        ...(tenantId && { tenantId }),
        email,
        name,
        status,
        roles: [...new Set(roles.map(({ role }) => role))],
      })
}

export interface UserChangeOptions {
  email: string
  tenant?: string
}
/** Ends a person's sessions and keeps it out, or lets it in again. */
export async function userStatusCommand(
  client: Client,
  status: 'active' | 'disabled',
  options: UserChangeOptions,
): Promise<void> {
  const wanted = options.email.trim().toLowerCase()
  for (const tenantId of options.tenant === undefined
    ? await tenantsOf(client)
    : [await tenantOf(client, options.tenant)]) {
    const users = await listAll<User>(client, `/api/v1/users?q=${encodeURIComponent(wanted)}`, tenantId)
    const found = users.find(({ email }) => email === wanted)
    if (!found) continue
    await client.call('PATCH', `/api/v1/users/${found.id}`, { status }, { tenantId })
    printJson({ userId: found.id, email: found.email, status })
    return
  }
  throw new CliError(`there is nobody with the address ${options.email}`)
}

interface AuditVerdict {
  ok: boolean
  entries: number
  erased: number
  head: { seq: number; hash: string } | null
  anchor: { seq: number; hash: string } | null
  broken: { seq: number; reason: string } | null
}
const REASONS: Record<string, string> = {
  missing: 'an entry is missing',
  changed: 'an entry is not the one that was written',
  details_changed: 'the details of an entry were changed',
  cut_off: 'entries were taken off the end',
}
/** One JSON line a tenant. @returns the exit code: 1 where a trail does not hold */
export async function auditVerifyCommand(client: Client): Promise<0 | 1> {
  let code: 0 | 1 = 0
  // What belongs to no tenant (refused strangers above all) has a trail of its own.
  const trails = client.byKey ? [undefined] : [...(await tenantsOf(client)), INSTANCE_TENANT]
  for (const tenantId of trails) {
    const verdict = await client.call<AuditVerdict>('POST', '/api/v1/audit/verify', undefined, { tenantId })
    printJson({ ...(tenantId && { tenantId }), ...verdict })
    if (verdict.ok) continue
    code = 1
    const { seq, reason } = verdict.broken!
    note(`${tenantId ?? 'the tenant'}: ${REASONS[reason] ?? reason}, at number ${seq}`)
  }
  return code
}
