import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { narrowCaller } from '@heliograph/crm-core'
import type { Caller } from '@heliograph/crm-core/contracts'
import { problemOf } from './crm-database.conformance.ts'
import { openTestCrm, TEST_PASSWORD, type TestCrm } from './open-for-test.ts'

describe('people and their rights', { timeout: 60_000 }, () => {
  let test: TestCrm
  let admin: Caller
  let rootId: string
  let north: string
  let south: string
  let people = 0
  beforeAll(async () => {
    test = await openTestCrm()
    ;({ admin, rootId } = await test.tenant())
    north = (await test.crm.orgUnits.create(admin, { name: 'North' })).id
    south = (await test.crm.orgUnits.create(admin, { name: 'South' })).id
  })
  afterAll(() => test.stop())

  type Roles = { role: string; orgUnitId?: string }[]
  async function person(roles: Roles, by: Caller = admin, customerIds?: string[]): Promise<Caller> {
    const email = `rights${++people}@helio.test`
    await test.crm.users.create(by, {
      email,
      name: `Person ${people}`,
      password: TEST_PASSWORD,
      roles,
      ...(customerIds === undefined ? {} : { customerIds }),
    })
    return (await test.crm.auth.login({ email, password: TEST_PASSWORD })).caller
  }
  async function holding(orgUnitId: string) {
    const customer = await test.crm.customers.create(admin, { name: 'C', orgUnitId })
    const { row: site } = await test.crm.sites.create(admin, {
      name: 'S',
      customerId: customer.id,
      orgUnitId,
      timezone: 'UTC',
    })
    return { customer, site }
  }

  it('follow the place where a role is held', async () => {
    const [up, down] = [await holding(north), await holding(south)]
    const mixed = await person([
      { role: 'support', orgUnitId: north },
      { role: 'analyst', orgUnitId: south },
    ])
    expect(await test.db.as(mixed).count('site')).toBe(2)
    const writes = narrowCaller(mixed, 'site:write')
    expect((await test.db.as(writes).find('site')).map(({ id }) => id)).toEqual([up.site.id])
    expect(await problemOf(test.crm.sites.update(mixed, up.site.id, { name: 'ok' }))).toBe('none')
    expect(await problemOf(test.crm.sites.update(mixed, down.site.id, { name: 'no' }))).toBe('not_found')
    expect(() => narrowCaller(mixed, 'user:write')).toThrow(/user:write/)
    // What it makes without saying where lands where it may.
    const made = await test.crm.customers.create(mixed, { name: 'New' })
    expect(made.orgUnitId).toBe(north)
  })

  it('are nobody’s to give beyond one’s own', async () => {
    const local = await person([{ role: 'admin', orgUnitId: north }])
    expect(await problemOf(person([{ role: 'support', orgUnitId: north }], local))).toBe('none')
    expect(await problemOf(person([{ role: 'support' }], local))).toBe('none')
    for (const roles of [
      [{ role: 'support', orgUnitId: rootId }],
      [{ role: 'admin', orgUnitId: south }],
      [{ role: 'operator', orgUnitId: north }],
      [{ role: 'support', orgUnitId: 'nowhere' }],
    ])
      expect([roles, await problemOf(person(roles, local))]).toEqual([roles, 'forbidden'])
    // Seen in the north, but administrator of everything: not the north's to change.
    const both = await person([{ role: 'admin' }, { role: 'analyst', orgUnitId: north }])
    expect(await problemOf(test.crm.users.update(local, both.id, { status: 'disabled' }))).toBe('forbidden')
    expect(await problemOf(test.crm.users.remove(local, both.id))).toBe('forbidden')
    expect(await problemOf(test.crm.tenants.update(local, admin.tenantId!, { name: 'Mine' }))).toBe('forbidden')
    expect(await problemOf(test.crm.tenants.update(admin, admin.tenantId!, { name: 'Ours' }))).toBe('none')
    const other = await test.tenant()
    expect(await problemOf(test.crm.tenants.update(admin, other.tenantId, { name: 'Mine' }))).toBe('not_found')
    expect(await problemOf(person([{ role: 'king' }], local))).toBe('invalid_fields')
    expect(await problemOf(test.crm.users.update(local, admin.id, { status: 'disabled' }))).toBe('not_found')
    const far = (await holding(south)).customer
    expect(await problemOf(person([{ role: 'customer', orgUnitId: north }], local, [far.id]))).toBe('not_found')
  })

  it('leave a tenant its last administrator', async () => {
    const other = await test.tenant()
    expect(await problemOf(test.crm.users.update(other.admin, other.admin.id, { status: 'disabled' }))).toBe('conflict')
    expect(await problemOf(test.crm.users.update(other.admin, other.admin.id, { roles: [{ role: 'sales' }] }))).toBe(
      'conflict',
    )
    expect(await problemOf(test.crm.users.remove(other.admin, other.admin.id))).toBe('conflict')
    expect((await test.crm.auth.me(other.admin)).roles).toEqual(['admin'])
  })

  it('of a customer end at its own sites, in plain sight', async () => {
    const own = await holding(north)
    const foreign = await holding(north)
    const customer = await person([{ role: 'customer' }], admin, [own.customer.id])
    expect(customer.portal).toBe(true)
    expect((await test.db.as(customer).find('site')).map(({ id }) => id)).toEqual([own.site.id])
    expect(await problemOf(test.db.as(customer).get('site', foreign.site.id))).toBe('not_found')
    const ticket = await test.crm.tickets.create(customer, { subject: 'No sun' })
    expect(ticket).toMatchObject({ customerId: own.customer.id, priority: 'normal', number: 1 })
    expect(await problemOf(test.crm.tickets.create(customer, { subject: 'x', siteId: foreign.site.id }))).toBe(
      'not_found',
    )
    expect(await problemOf(test.crm.tickets.create(customer, { subject: 'x', priority: 'urgent' }))).toBe('forbidden')
    expect(await problemOf(test.crm.tickets.update(customer, ticket.id, { status: 'closed' }))).toBe('forbidden')
    await test.crm.tickets.comment(admin, ticket.id, { text: 'inner thoughts' })
    await test.crm.tickets.comment(admin, ticket.id, { text: 'we are on it', isPublic: true })
    await test.crm.tickets.comment(customer, ticket.id, { text: 'thanks', isPublic: false })
    expect((await test.crm.tickets.timeline(customer, ticket.id)).map(({ text }) => text)).toEqual([
      'Ticket opened',
      'we are on it',
      'thanks',
    ])
    expect((await test.crm.tickets.timeline(admin, ticket.id)).length).toBe(4)
    for (const act of [
      () => test.crm.connections.create(customer, { name: 'x', transport: 'mqtt', vendor: 'native' }),
      () => test.crm.sites.update(customer, own.site.id, { name: 'x' }),
      () => test.crm.devices.create(customer, { siteId: own.site.id, kind: 'meter', vendor: 'native', serial: '1' }),
      () => test.crm.apiKeys.create(customer, { name: 'x', scopes: ['ingest'] }),
      () => test.crm.alarms.acknowledge(customer, 'x'),
    ])
      expect(await problemOf(act())).toBe('forbidden')
  })

  it('move with their unit', async () => {
    const west = await test.crm.orgUnits.create(admin, { name: 'West', parentId: north })
    const inner = await test.crm.orgUnits.create(admin, { name: 'Inner', parentId: west.id })
    const { site } = await holding(inner.id)
    const northerner = await person([{ role: 'support', orgUnitId: north }])
    expect(await problemOf(test.db.as(northerner).get('site', site.id))).toBe('none')
    await test.crm.orgUnits.update(admin, west.id, { parentId: south })
    expect(await problemOf(test.db.as(northerner).get('site', site.id))).toBe('not_found')
    const southerner = await person([{ role: 'support', orgUnitId: south }])
    expect(await problemOf(test.db.as(southerner).get('site', site.id))).toBe('none')
    expect(await problemOf(test.crm.orgUnits.update(admin, south, { parentId: inner.id }))).toBe('conflict')
    expect(await problemOf(test.crm.orgUnits.remove(admin, west.id))).toBe('in_use')
    expect(await problemOf(test.crm.orgUnits.remove(admin, inner.id))).toBe('in_use')
  })

  it('end with the person, whose traces in the trail go too', async () => {
    const gone = await person([{ role: 'support' }])
    const { email } = await test.db.as(admin).get('user', gone.id)
    await test.crm.users.remove(admin, gone.id)
    expect(await test.db.as(admin).count('user', { id: gone.id })).toBe(0)
    const trail = await test.db.systemIn(admin.tenantId!, 'test').all('audit')
    expect(JSON.stringify(trail)).not.toContain(email)
    expect(await test.crm.audit.verify(admin.tenantId!)).toMatchObject({ ok: true })
  })

  it('invite who has no password yet', async () => {
    const email = 'invited@helio.test'
    await test.crm.users.create(admin, { email, name: 'I', roles: [{ role: 'sales' }] })
    expect(await problemOf(test.crm.auth.login({ email, password: '' }))).toBe('wrong_credentials')
    const [mail] = await test.db.system.find('notification', { where: { recipient: email } })
    const token = /http:\/\/helio\.test\/reset\?token=(\S+)/.exec(mail!.text)![1]!
    await test.crm.auth.reset({ token, new: TEST_PASSWORD })
    const { caller } = await test.crm.auth.login({ email, password: TEST_PASSWORD })
    expect(await test.crm.users.view(admin, [await test.db.as(admin).get('user', caller.id)])).toMatchObject([
      { email, roles: [{ role: 'sales', orgUnitId: rootId }], customerIds: [] },
    ])
  })
})
