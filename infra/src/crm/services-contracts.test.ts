import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  newId,
  type AlarmRecord,
  type Caller,
  type ContractCreate,
  type Row,
  type TenantId,
} from '@heliograph/crm-core/contracts'
import { personOf } from './crm-fixture.ts'
import { problemOf } from './crm-database.conformance.ts'
import { openTestCrm, TEST_PASSWORD, type TestCrm } from './open-for-test.ts'

const HOUR = 3_600_000

describe('contracts', { timeout: 60_000 }, () => {
  let test: TestCrm
  let admin: Caller
  let tenantId: TenantId
  let offset = 0
  beforeAll(async () => {
    test = await openTestCrm()
    ;({ admin, tenantId } = await test.tenant())
  })
  afterAll(() => test.stop())

  async function newSite(customerId?: string, orgUnitId?: string): Promise<Row<'site'>> {
    const where = orgUnitId === undefined ? {} : { orgUnitId }
    const owner = customerId ?? (await test.crm.customers.create(admin, { name: 'Farm', ...where })).id
    const made = await test.crm.sites.create(admin, {
      name: 'Barn',
      customerId: owner,
      timezone: 'Europe/Berlin',
      ...where,
    })
    return made.row
  }
  const sign = (site: Row<'site'>, more: Partial<ContractCreate> = {}) =>
    test.crm.contracts.create(admin, {
      name: 'Care',
      customerId: site.customerId,
      validFrom: '2026-01-01',
      sla: { firstResponseH: 4, solutionH: 24, hours: 'always' },
      tariff: { perKwh: '0.0821', currency: 'EUR' },
      ...more,
    })
  const open = (site: Row<'site'>, caller = admin) =>
    test.crm.tickets.create(caller, { subject: 'Help', siteId: site.id })

  it('are numbered, changed as a whole part, and keep what was not named', async () => {
    const site = await newSite()
    const first = await sign(site)
    expect(first).toMatchObject({ number: 'C-1', status: 'active', kind: 'maintenance', siteIds: null })
    await sign(site, { number: 'C-2' })
    expect((await sign(site)).number).toBe('C-3')
    expect(await problemOf(sign(site, { number: 'C-2' }))).toBe('conflict')
    const changed = await test.crm.contracts.update(
      admin,
      first.id,
      { tariff: null, guarantee: { kind: 'performance-ratio', value: 0.8 }, siteIds: [site.id] },
      { ifVersion: 1 },
    )
    expect(changed).toMatchObject({ tariffPerKwh: null, guaranteeValue: 0.8, slaSolutionH: 24, version: 2 })
    expect(await problemOf(test.crm.contracts.update(admin, first.id, { name: 'x' }, { ifVersion: 1 }))).toBe('stale')
    expect(await problemOf(test.crm.contracts.update(admin, first.id, { validTo: '2025-12-31' }))).toBe(
      'invalid_fields',
    )
    const trail = await test.db.systemIn(tenantId, 'test').find('audit', { where: { resourceId: first.id } })
    expect(trail.map(({ action }) => action)).toEqual(['create', 'update'])
  })

  it('name sites of their own customer alone, and keep them from being removed', async () => {
    const [site, foreign] = [await newSite(), await newSite()]
    expect(await problemOf(sign(site, { siteIds: [foreign.id] }))).toBe('conflict')
    expect(await problemOf(sign(site, { siteIds: [newId()] }))).toBe('not_found')
    const contract = await sign(site, { siteIds: [site.id] })
    expect(await problemOf(test.crm.sites.remove(admin, site.id))).toBe('in_use')
    await test.crm.contracts.remove(admin, contract.id)
    await test.crm.sites.remove(admin, site.id)
  })

  it('give a ticket its due dates: the one in force, the site’s own before the customer’s, the younger first', async () => {
    const site = await newSite()
    const other = await newSite(site.customerId)
    expect(await open(site)).toMatchObject({ contractId: null, firstResponseDueAt: null, solutionDueAt: null })
    await sign(site, { validTo: '2026-05-31' })
    await sign(site, { status: 'draft' })
    await sign(site, { validFrom: '2026-06-02' })
    expect((await open(site)).contractId).toBeNull()
    const old = await sign(site, { validFrom: '2025-01-01' })
    const young = await sign(site, { validFrom: '2026-01-01' })
    const own = await sign(site, { siteIds: [site.id], validFrom: '2024-01-01', validTo: '2026-06-01' })
    expect((await open(site)).contractId).toBe(own.id)
    const ticket = await open(other)
    expect(ticket).toMatchObject({
      contractId: young.id,
      firstResponseDueAt: new Date(test.clock.now + 4 * HOUR),
      solutionDueAt: new Date(test.clock.now + 24 * HOUR),
    })
    await test.crm.contracts.update(admin, young.id, { status: 'ended' })
    expect((await open(other)).contractId).toBe(old.id)
    expect(await problemOf(test.crm.contracts.remove(admin, young.id))).toBe('in_use')
  })

  it('give the ticket of an alarm its due dates too', async () => {
    const site = await newSite()
    const contract = await sign(site)
    const record: AlarmRecord = {
      id: newId(),
      action: 'raised',
      tenantId,
      siteId: site.id as never,
      type: 'inverter-fault',
      severity: 'critical',
      message: 'Fault',
      at: test.clock.now,
      historic: false,
    }
    await test.crm.desk.applyAlarms([record], { topic: 'alarms', consumer: 'desk', partition: 0, offset: ++offset })
    expect(await test.db.as(admin).first('ticket', { siteId: site.id })).toMatchObject({
      contractId: contract.id,
      solutionDueAt: new Date(test.clock.now + 24 * HOUR),
    })
  })

  it('stop their clock while the customer is asked, and are marked late once', async () => {
    const site = await newSite()
    await sign(site)
    const begun = test.clock.now
    const ticket = await open(site)
    test.clock.now = begun + 2 * HOUR
    const paused = await test.crm.tickets.update(admin, ticket.id, { status: 'pending' })
    expect(paused).toMatchObject({ pausedSince: new Date(test.clock.now), firstRespondedAt: new Date(test.clock.now) })
    test.clock.now = begun + 100 * HOUR
    await test.crm.tickets.markLate()
    const back = await test.crm.tickets.update(admin, ticket.id, { status: 'open' })
    expect(back).toMatchObject({ pausedSince: null, breached: false, solutionDueAt: new Date(begun + 122 * HOUR) })
    test.clock.now = begun + 122 * HOUR + 1
    const fresh = await open(site)
    expect(await test.crm.tickets.markLate()).toBeGreaterThan(0)
    await test.crm.tickets.markLate()
    expect(await test.db.as(admin).get('ticket', ticket.id)).toMatchObject({ breached: true, version: back.version })
    expect((await test.db.as(admin).get('ticket', fresh.id)).breached).toBe(false)
    const late = (await test.crm.tickets.timeline(admin, ticket.id)).filter(({ text }) => text.startsWith('Late'))
    expect(late).toMatchObject([{ isPublic: false, data: { late: 'solution' } }])
    test.clock.now = begun
  })

  it('say what a loss is worth, and leave what was given by hand', async () => {
    const site = await newSite()
    await sign(site)
    const { id } = await open(site)
    const told = await test.crm.tickets.update(admin, id, { lossWh: 1_234_567 })
    expect(told).toMatchObject({ lossAmount: 10_136, lossCurrency: 'EUR' })
    const byHand = { lossWh: 5, lossMoney: { amount: 7, currency: 'CHF' } }
    expect(await test.crm.tickets.update(admin, id, byHand)).toMatchObject({ lossAmount: 7, lossCurrency: 'CHF' })
    expect(await test.crm.tickets.update(admin, id, { lossWh: null })).toMatchObject({ lossAmount: null })
    const without = await open(await newSite())
    expect(await test.crm.tickets.update(admin, without.id, { lossWh: 5 })).toMatchObject({ lossAmount: null })
  })

  it('are shown to nobody in the portal, to no other unit and to no other tenant', async () => {
    const north = await test.crm.orgUnits.create(admin, { name: 'North' })
    const south = await test.crm.orgUnits.create(admin, { name: 'South' })
    const site = await newSite(undefined, north.id)
    const contract = await sign(site)
    const limited = (orgUnitId: string) => personOf(tenantId, { reach: 'limited', orgUnitIds: [orgUnitId as never] })
    const seen = async (caller: Caller) => await test.db.as(caller).count('contract', { id: contract.id })
    expect(await seen(limited(north.id))).toBe(1)
    expect(await seen(limited(south.id))).toBe(0)
    expect(await seen((await test.tenant()).admin)).toBe(0)

    const email = 'owner@contract.test'
    const role = [{ role: 'customer' }]
    const person = { email, name: 'Owner', password: TEST_PASSWORD, roles: role, customerIds: [site.customerId] }
    await test.crm.users.create(admin, person)
    const owner = (await test.crm.auth.login({ email, password: TEST_PASSWORD })).caller
    expect(await seen(owner)).toBe(0)
    // The promise holds for whoever asks; whose contract it is stays with the office.
    const ticket = await open(site, owner)
    expect(await test.db.as(admin).get('ticket', ticket.id)).toMatchObject({
      contractId: contract.id,
      firstResponseDueAt: new Date(test.clock.now + 4 * HOUR),
    })
    expect((await test.db.as(owner).get('ticket', ticket.id)).contractId).toBeNull()
    // What the energy was worth is told, of one's own systems alone.
    const days = [{ date: '2026-06-01', wh: 10_000 }]
    const told = { worth: [{ amount: 82, currency: 'EUR' }], pricedWh: 10_000 }
    expect(await test.crm.worth.ofSite(owner, site.id, days)).toEqual(told)
    const foreign = await newSite()
    expect(await problemOf(test.crm.worth.ofSite(owner, foreign.id, days))).toBe('not_found')
    const { admin: stranger } = await test.tenant()
    expect(await problemOf(test.crm.worth.ofSite(stranger, site.id, days))).toBe('not_found')
  })

  it('say what each day’s energy was worth by the one in force on it', async () => {
    const site = await newSite()
    const days = ['2025-12-31', '2026-01-01', '2026-06-30', '2026-07-01'].map((date) => ({ date, wh: 100_033 }))
    const worth = () => test.crm.worth.ofSite(admin, site.id, days)
    expect(await worth()).toEqual({ worth: [], pricedWh: 0 })
    await sign(site, { validTo: '2026-06-30' })
    // Two days at 8.21 cents, rounded once: 16.4254... and not twice 8.2127...
    expect(await worth()).toEqual({ worth: [{ amount: 1643, currency: 'EUR' }], pricedWh: 200_066 })
    await sign(site, { validFrom: '2026-07-01', tariff: { perKwh: '0.1', currency: 'EUR' } })
    await sign(site, { validFrom: '2025-01-01', validTo: '2025-12-31', tariff: { perKwh: '9', currency: 'JPY' } })
    expect(await worth()).toEqual({
      worth: [
        { amount: 900, currency: 'JPY' },
        { amount: 1643 + 1000, currency: 'EUR' },
      ],
      pricedWh: 400_132,
    })
  })
})
