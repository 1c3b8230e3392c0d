import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newId, type AlarmRecord, type Caller, type Row, type TenantId } from '@heliograph/crm-core/contracts'
import { openTestCrm, TEST_PASSWORD, type TestCrm } from './open-for-test.ts'

const MINUTE = 60_000

describe('incidents', { timeout: 60_000 }, () => {
  let test: TestCrm
  let admin: Caller
  let tenantId: TenantId
  let offset: number
  beforeEach(async () => {
    test = await openTestCrm()
    offset = 0
    ;({ admin, tenantId } = await test.tenant())
  })
  afterEach(() => test.stop())

  /** Houses of a street, a hundred metres apart, each of a customer of its own. */
  async function street(count: number, latitude = 53.5): Promise<Row<'site'>[]> {
    const sites: Row<'site'>[] = []
    for (let index = 0; index < count; index++) {
      const customer = await test.crm.customers.create(admin, { name: `Owner ${index}` })
      const { row } = await test.crm.sites.create(admin, {
        name: `House ${index}`,
        customerId: customer.id,
        timezone: 'UTC',
        latitude: latitude + index * 0.0009,
        longitude: 10,
      })
      sites.push(row)
    }
    return sites
  }
  const alarm = (site: Row<'site'>, more: Partial<AlarmRecord> = {}): AlarmRecord => ({
    id: newId(),
    action: 'raised',
    tenantId,
    siteId: site.id as never,
    type: 'device-silent',
    severity: 'major',
    message: 'Nothing was heard of any of the 2 devices of this site',
    at: test.clock.now,
    historic: false,
    ...more,
  })
  const over = (record: AlarmRecord): AlarmRecord => ({ ...record, action: 'cleared', at: test.clock.now })
  const apply = (...records: AlarmRecord[]) => {
    offset += records.length
    return test.crm.desk.applyAlarms(records, { topic: 'alarms', consumer: 'desk', partition: 0, offset })
  }
  const watch = () => test.crm.subscriptions.create(admin, { channels: ['mail'], minSeverity: 'major' })
  async function delivered(): Promise<string[]> {
    const heard: string[] = []
    await test.crm.notifications.deliver({
      mail: {
        send: ({ subject }) => {
          heard.push(subject)
          return Promise.resolve({ outcome: 'sent' as const })
        },
      },
    })
    return heard
  }
  const incidents = () => test.db.as(admin).find('incident')
  const sitesOf = async (id: string) =>
    (await test.db.as(admin).find('incidentSite', { where: { incidentId: id } })).map(({ siteId }) => siteId).sort()

  it('a street that loses its grid is one incident and one message, and one when it is back', async () => {
    await watch()
    const sites = await street(5)
    const records = sites.map((site, index) => alarm(site, { at: test.clock.now - index * 20_000 }))
    // As the line brings them: a few now, others a moment later.
    await apply(records[0]!)
    await apply(records[1]!)
    expect(await incidents()).toEqual([])
    await apply(records[2]!, records[3]!)
    await apply(records[4]!)
    const [incident, ...more] = await incidents()
    expect(more).toEqual([])
    expect(incident).toMatchObject({
      cause: 'grid',
      type: 'device-silent',
      clearedAt: null,
      startedAt: new Date(test.clock.now - 80_000),
    })
    expect(await sitesOf(incident!.id)).toEqual(sites.map(({ id }) => id).sort())
    const alarms = await test.db.as(admin).find('alarm')
    expect(new Set(alarms.map(({ incidentId }) => incidentId))).toEqual(new Set([incident!.id]))

    expect(await delivered()).toEqual([])
    test.clock.now += 3 * MINUTE
    expect(await delivered()).toEqual(['Incident: no contact with 5 sites at once'])
    await apply(...records.slice(0, 4).map(over))
    expect(await delivered()).toEqual([])
    await apply(over(records[4]!))
    expect(await delivered()).toEqual(['Over: no contact with 5 sites at once'])
    expect((await incidents())[0]!.clearedAt).toEqual(new Date(test.clock.now))
    // The same batch again, or the same records in another one, make nothing new.
    await apply(...records, ...records.map(over))
    expect(await incidents()).toHaveLength(1)
    expect(await test.db.system.count('notification')).toBe(2)
  })

  it('two houses are two alarms; what is far away or long ago is no part of it', async () => {
    const sites = await street(2)
    const far = await street(1, 48)
    await apply(...sites.map((site) => alarm(site)), alarm(far[0]!))
    test.clock.now += 20 * MINUTE
    const [third] = await street(1, 53.5018)
    await apply(alarm(third!))
    expect(await incidents()).toEqual([])
  })

  it('other kinds of alarms and late ones make none', async () => {
    const sites = await street(4)
    await apply(...sites.map((site) => alarm(site, { type: 'underperformance', severity: 'minor' })))
    await apply(...sites.map((site) => alarm(site, { historic: true })))
    expect(await incidents()).toEqual([])
  })

  it('is told to each person with the own sites alone, and not seen by who sees none of them', async () => {
    const sites = await street(3)
    const stranger = (await street(1, 48))[0]!
    const person = async (name: string, customerIds: string[]) => {
      const email = `${name}@incident.test`
      const roles = [{ role: 'customer' }]
      await test.crm.users.create(admin, { email, name, password: TEST_PASSWORD, roles, customerIds })
      const { caller } = await test.crm.auth.login({ email, password: TEST_PASSWORD })
      await test.crm.subscriptions.create(caller, { channels: ['mail'] })
      return caller
    }
    const owner = await person('owner', [sites[1]!.customerId])
    const other = await person('other', [stranger.customerId])
    await apply(...sites.map((site) => alarm(site)))
    const [incident] = await incidents()
    const texts = await test.db.system.find('notification')
    expect(texts.map(({ subject }) => subject)).toEqual(['Incident: no contact with House 1'])
    expect(texts[0]!.text).not.toMatch(/House [02]/)
    expect(await test.db.as(owner).count('incident')).toBe(1)
    expect(await test.db.as(owner).find('incidentSite')).toMatchObject([{ siteId: sites[1]!.id }])
    expect(await test.db.as(other).count('incident')).toBe(0)
    expect(await test.db.as((await test.tenant()).admin).count('incident', { id: incident!.id })).toBe(0)
  })

  it('many sites at once, wherever they lie, have one cause', async () => {
    await watch()
    const sites: Row<'site'>[] = []
    for (let index = 0; index < 12; index++) sites.push(...(await street(1, 40 + index)))
    await apply(...sites.slice(0, 9).map((site) => alarm(site)))
    expect(await incidents()).toEqual([])
    await apply(...sites.slice(9).map((site) => alarm(site)))
    expect(await incidents()).toMatchObject([{ cause: 'widespread' }])
    test.clock.now += 3 * MINUTE
    expect(await delivered()).toEqual(['Incident: no contact with 12 sites at once'])
  })

  it('critical faults of a street share one ticket', async () => {
    const sites = await street(4)
    const fault = { type: 'inverter-fault', severity: 'critical', message: 'Grid voltage out of range' } as const
    const records = sites.map((site) => alarm(site, fault))
    await apply(records[0]!)
    await apply(...records.slice(1))
    const [incident] = await incidents()
    const tickets = await test.db.as(admin).find('ticket')
    expect(tickets.map(({ id }) => id)).toEqual([incident!.ticketId])
    const alarms = await test.db.as(admin).find('alarm')
    expect(new Set(alarms.map(({ ticketId }) => ticketId))).toEqual(new Set([incident!.ticketId]))
  })

  it('lost contact that is back within moments is told to nobody', async () => {
    await watch()
    const record = alarm((await street(1))[0]!)
    await apply(record)
    test.clock.now += MINUTE
    await apply(over(record))
    test.clock.now += 10 * MINUTE
    expect(await delivered()).toEqual([])
  })
})
