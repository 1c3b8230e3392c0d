import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, afterEach, describe, expect, it } from 'vitest'
import { createCrmJobs, createLeases, createOutboxRelay } from '@heliograph/crm-core'
import {
  newId,
  type AlarmRecord,
  type Caller,
  type DomainEvent,
  type OutgoingMail,
  type Row,
  type TenantId,
} from '@heliograph/crm-core/contracts'
import { problemOf } from './crm-database.conformance.ts'
import { openCrm } from './index.ts'
import { openTestCrm, TEST_PASSWORD, type TestCrm } from './open-for-test.ts'

const MINUTE = 60_000
const tests: TestCrm[] = []

describe('alarm to ticket to message', { timeout: 60_000 }, () => {
  let test: TestCrm
  let admin: Caller
  let tenantId: TenantId
  let site: Row<'site'>
  let offset: number
  beforeEach(async () => {
    test = await openTestCrm()
    tests.push(test)
    offset = 0
    ;({ admin, tenantId } = await test.tenant())
    site = await newSite()
  })
  afterEach(() => tests.pop()!.stop())

  async function newSite(orgUnitId?: string): Promise<Row<'site'>> {
    const where = orgUnitId === undefined ? {} : { orgUnitId }
    const customer = await test.crm.customers.create(admin, { name: 'Farm', ...where })
    const { row } = await test.crm.sites.create(admin, {
      name: 'Barn',
      customerId: customer.id,
      timezone: 'UTC',
      ...where,
    })
    return row
  }
  async function person(
    name: string,
    roles: { role: string; orgUnitId?: string }[],
    customerIds?: string[],
  ): Promise<Caller> {
    const email = `${name}@desk.test`
    await test.crm.users.create(admin, {
      email,
      name,
      phone: '+4915112345678',
      password: TEST_PASSWORD,
      roles,
      ...(customerIds === undefined ? {} : { customerIds }),
    })
    return (await test.crm.auth.login({ email, password: TEST_PASSWORD })).caller
  }
  const alarm = (more: Partial<AlarmRecord> = {}): AlarmRecord => ({
    id: newId(),
    action: 'raised',
    tenantId,
    siteId: site.id as never,
    type: 'device.fault',
    severity: 'critical',
    message: 'Inverter fault 301',
    at: test.clock.now,
    historic: false,
    ...more,
  })
  const apply = (...records: AlarmRecord[]) => {
    offset += records.length
    return test.crm.desk.applyAlarms(records, { topic: 'alarms', consumer: 'desk', partition: 0, offset })
  }
  const sent = async () =>
    (await test.db.system.find('notification', { orderBy: [['createdAt', 'asc']] })).map(
      ({ channel, recipient, subject }) => `${channel} ${recipient} ${subject?.replace(/:.*/, '') ?? ''}`.trim(),
    )

  it('opens one ticket and writes one mail and one SMS to each who asked', async () => {
    const support = await person('support', [{ role: 'support' }])
    const owner = await person('owner', [{ role: 'customer' }], [site.customerId])
    const other = await newSite()
    const stranger = await person('stranger', [{ role: 'customer' }], [other.customerId])
    for (const caller of [support, owner, stranger])
      await test.crm.subscriptions.create(caller, { channels: ['mail', 'sms'] })
    // Asked twice, told once.
    await test.crm.subscriptions.create(support, { channels: ['mail'], siteId: site.id })
    await test.crm.subscriptions.create(admin, { channels: ['mail'], customerId: other.customerId })

    const record = alarm()
    expect(await apply(record)).toMatchObject({ applied: true, raised: 1 })
    const [ticket] = await test.db.as(admin).find('ticket')
    expect(ticket).toMatchObject({
      number: 1,
      priority: 'urgent',
      customerId: site.customerId,
      siteId: site.id,
      cause: 'device.fault',
    })
    expect(await test.db.as(admin).get('alarm', record.id)).toMatchObject({ ticketId: ticket!.id, clearedAt: null })
    expect((await test.crm.tickets.alarmIds(admin, [ticket!.id])).get(ticket!.id)).toEqual([record.id])
    expect((await sent()).sort()).toEqual([
      'mail owner@desk.test [#1] Alarm',
      'mail support@desk.test [#1] Alarm',
      'sms +4915112345678',
      'sms +4915112345678',
    ])
    const texts = await test.db.system.find('notification', { where: { channel: 'sms' } })
    for (const { text } of texts) expect(text.length).toBeLessThanOrEqual(160)

    const cleared = { ...record, action: 'cleared' as const, at: record.at + MINUTE }
    expect(await apply(cleared)).toMatchObject({ cleared: 1 })
    expect((await test.db.as(admin).get('alarm', record.id)).clearedAt).toEqual(new Date(cleared.at))
    expect((await test.crm.tickets.timeline(owner, ticket!.id)).map(({ text }) => text)).toEqual([
      'Ticket opened',
      'Alarm: Inverter fault 301',
      'Alarm cleared: Inverter fault 301',
    ])
    expect((await sent()).filter((each) => each.endsWith('Cleared')).sort()).toEqual([
      'mail owner@desk.test [#1] Cleared',
      'mail support@desk.test [#1] Cleared',
    ])
  })

  it('does nothing twice: the same batch, the same records in another one, a crash before the commit', async () => {
    await test.crm.subscriptions.create(admin, { channels: ['mail'] })
    const record = alarm()
    const cleared = { ...record, action: 'cleared' as const }
    await apply(record, cleared)
    const before = [await sent(), await test.db.as(admin).find('ticketEntry'), await test.db.as(admin).find('alarm')]
    const again = { topic: 'alarms', consumer: 'desk', partition: 0, offset }
    expect(await test.crm.desk.applyAlarms([record, cleared], again)).toMatchObject({ applied: false })
    expect(await apply(record, cleared, record)).toMatchObject({ applied: true, raised: 0, cleared: 0 })
    expect([await sent(), await test.db.as(admin).find('ticketEntry'), await test.db.as(admin).find('alarm')]).toEqual(
      before,
    )
    expect(await test.crm.desk.positions('alarms', 'desk')).toEqual([{ partition: 0, offset }])
  })

  it('adds a fault that comes and goes to its open ticket, without another message', async () => {
    await test.crm.subscriptions.create(admin, { channels: ['mail'] })
    const first = alarm()
    await apply(first, { ...first, action: 'cleared' }, alarm(), alarm({ type: 'other.fault' }))
    expect((await test.db.as(admin).find('ticket')).length).toBe(2)
    expect((await sent()).length).toBe(3)
    const [ticket] = await test.db.as(admin).find('ticket', { orderBy: [['number', 'asc']] })
    await test.crm.tickets.update(admin, ticket!.id, { status: 'resolved' })
    await apply(alarm())
    expect((await test.db.as(admin).find('ticket')).length).toBe(3)
  })

  it('tells what opens no ticket to those who asked for its severity, its end to those who were told', async () => {
    const people = {
      all: await person('all', [{ role: 'support' }]),
      some: await person('some', [{ role: 'support' }]),
      few: await person('few', [{ role: 'support' }]),
      late: await person('late', [{ role: 'support' }]),
    }
    const subscription = await test.crm.subscriptions.create(people.all, { channels: ['mail'], minSeverity: 'info' })
    await test.crm.subscriptions.create(people.some, { channels: ['mail', 'sms'] })
    await test.crm.subscriptions.create(people.few, { channels: ['mail'], minSeverity: 'critical' })
    const major = alarm({ severity: 'major' })
    const minor = alarm({ severity: 'minor', type: 'b' })
    await apply(major, minor, major)
    expect((await sent()).sort()).toEqual([
      'mail all@desk.test Alarm',
      'mail all@desk.test Alarm',
      'mail some@desk.test Alarm',
      'sms +4915112345678',
    ])
    expect(await test.db.as(admin).count('ticket')).toBe(0)
    // Who asked after the beginning does not hear of the end; who no longer asks does.
    await test.crm.subscriptions.create(people.late, { channels: ['mail'] })
    await test.crm.subscriptions.remove(people.all, subscription.id)
    const over = { ...major, action: 'cleared' as const, at: major.at + MINUTE }
    await apply(over, over)
    expect((await sent()).filter((each) => each.endsWith('Cleared')).sort()).toEqual([
      'mail all@desk.test Cleared',
      'mail some@desk.test Cleared',
    ])
    const before = await sent()
    expect(before.length).toBe(7)
    // What grows is told to those who had not asked for the small one.
    await apply({ ...minor, action: 'updated', severity: 'major' })
    expect((await sent()).sort()).toEqual(
      [...before, 'mail some@desk.test Alarm', 'sms +4915112345678', 'mail late@desk.test Alarm'].sort(),
    )
  })

  it('tells what comes and goes once an hour, and the last word is the true one', async () => {
    await test.crm.subscriptions.create(admin, { channels: ['mail'] })
    const due = async () =>
      (await test.crm.notifications.due(['mail'])).map(({ subject }) => subject!.replace(/:.*/, ''))
    const heard: string[] = []
    const deliver = () =>
      test.crm.notifications.deliver({
        mail: {
          send: ({ subject }) => {
            heard.push(subject.replace(/:.*/, ''))
            return Promise.resolve({ outcome: 'sent' as const })
          },
        },
      })
    for (let round = 0; round < 30; round++) {
      const flap = alarm({ severity: 'major' })
      await apply(flap)
      await deliver()
      test.clock.now += MINUTE
      await apply({ ...flap, action: 'cleared', at: test.clock.now })
      await deliver()
    }
    expect(heard).toEqual(['Alarm', 'Cleared'])
    // What is over before its hour is told neither way; what stays is told then.
    expect(await test.db.system.count('notification')).toBe(2)
    const staying = alarm({ severity: 'major' })
    await apply(staying)
    expect(await due()).toEqual([])
    test.clock.now += 31 * MINUTE
    expect(await due()).toEqual(['Alarm'])
    await deliver()
    await apply({ ...staying, action: 'cleared', at: test.clock.now })
    await deliver()
    expect(heard).toEqual(['Alarm', 'Cleared', 'Alarm', 'Cleared'])
    // Another thing of the same site is another matter.
    await apply(alarm({ severity: 'major', type: 'other' }))
    await deliver()
    expect(heard).toHaveLength(5)
  })

  it('wakes nobody for late data and muted things', async () => {
    await test.crm.subscriptions.create(admin, { channels: ['mail'], minSeverity: 'major' })
    await apply(alarm({ historic: true }), alarm({ severity: 'minor', type: 'b' }))
    const muted = alarm({ severity: 'minor', type: 'c' })
    await apply(muted)
    await test.crm.alarms.mute(admin, muted.id, { until: new Date(test.clock.now + 60 * MINUTE), reason: 'works' })
    await apply(alarm({ type: 'c' }))
    expect(await test.db.as(admin).count('alarm')).toBe(4)
    expect(await test.db.as(admin).count('ticket')).toBe(0)
    expect(await sent()).toEqual([])
    test.clock.now += 61 * MINUTE
    await apply(alarm({ type: 'c' }))
    expect(await test.db.as(admin).count('ticket')).toBe(1)
    // An alarm that becomes critical is worked on then.
    const growing = alarm({ severity: 'minor', type: 'd' })
    await apply(growing, { ...growing, action: 'updated', severity: 'critical' })
    expect(await test.db.as(admin).count('ticket')).toBe(2)
  })

  it('keeps acknowledging and clearing apart', async () => {
    const record = alarm({ severity: 'major' })
    await apply(record)
    const acknowledged = await test.crm.alarms.acknowledge(admin, record.id)
    expect(acknowledged).toMatchObject({ acknowledgedById: admin.id, clearedAt: null })
    expect((await test.crm.alarms.acknowledge(admin, record.id)).version).toBe(acknowledged.version)
    await apply({ ...record, action: 'cleared' })
    const row = await test.db.as(admin).get('alarm', record.id)
    expect([row.acknowledgedAt, row.clearedAt].every((at) => at !== null)).toBe(true)
  })

  it('tells who watches a unit of what happens below it, and nobody who lost the right', async () => {
    const north = await test.crm.orgUnits.create(admin, { name: 'North' })
    const inner = await test.crm.orgUnits.create(admin, { name: 'Inner', parentId: north.id })
    const watcher = await person('watcher', [{ role: 'support', orgUnitId: north.id }])
    await test.crm.subscriptions.create(watcher, { channels: ['mail'], orgUnitId: north.id })
    const below = await newSite(inner.id)
    await apply(alarm(), alarm({ siteId: below.id as never }))
    expect(await sent()).toEqual([expect.stringContaining('mail watcher@desk.test')])
    await test.crm.users.update(admin, watcher.id, { roles: [{ role: 'sales', orgUnitId: north.id }] })
    await apply(alarm({ siteId: below.id as never, type: 'next' }))
    expect((await sent()).length).toBe(1)
  })

  it('skips records of sites that are gone or another tenant’s', async () => {
    const other = await test.tenant()
    expect(await apply(alarm({ siteId: 'gone' as never }), alarm({ tenantId: other.tenantId }))).toMatchObject({
      skipped: 2,
      raised: 0,
    })
    expect(await test.db.system.count('alarm')).toBe(0)
  })

  it('sends what is queued, tries again, gives up, and never sends twice', async () => {
    await test.crm.subscriptions.create(admin, { channels: ['mail', 'sms'] })
    await apply(alarm())
    expect(await test.crm.notifications.deliver({})).toEqual({ sent: 0, retried: 0, failed: 0 })
    const mails: OutgoingMail[] = []
    let answer: 'retry' | 'sent' | 'throw' = 'throw'
    const mail = {
      send(message: OutgoingMail) {
        if (answer === 'throw') throw new Error('connection refused')
        if (answer === 'retry') return Promise.resolve({ outcome: 'retry' as const, reason: 'greylisted' })
        mails.push(message)
        return Promise.resolve({ outcome: 'sent' as const, providerId: 'p1' })
      },
    }
    expect(await test.crm.notifications.deliver({ mail })).toMatchObject({ retried: 1 })
    expect(await test.crm.notifications.deliver({ mail })).toMatchObject({ retried: 0, sent: 0 })
    test.clock.now += 31_000
    answer = 'retry'
    expect(await test.crm.notifications.deliver({ mail })).toMatchObject({ retried: 1 })
    test.clock.now += 61_000
    answer = 'sent'
    expect(await test.crm.notifications.deliver({ mail })).toMatchObject({ sent: 1 })
    expect(await test.crm.notifications.deliver({ mail })).toMatchObject({ sent: 0 })
    const [row] = await test.db.system.find('notification', { where: { channel: 'mail' } })
    expect(row).toMatchObject({ state: 'sent', attempts: 3, providerId: 'p1', error: null })
    expect(mails).toMatchObject([{ id: row!.id, to: row!.recipient }])

    await apply(alarm({ type: 'more' }))
    answer = 'retry'
    for (let at = 0; at < 20; at++) {
      await test.crm.notifications.deliver({ mail })
      test.clock.now += 61 * MINUTE
    }
    expect(await test.db.system.count('notification', { channel: 'mail', state: 'failed', attempts: 15 })).toBe(1)
  })

  it('numbers and closes tickets', async () => {
    const first = await test.crm.tickets.create(admin, { subject: 'a', siteId: site.id })
    const second = await test.crm.tickets.create(admin, { subject: 'b' })
    expect([first.number, second.number, first.customerId]).toEqual([1, 2, site.customerId])
    const money = { amount: 12_345, currency: 'EUR' }
    await test.crm.tickets.update(admin, first.id, { status: 'closed', lossMoney: money, lossWh: 5 }, { ifVersion: 1 })
    expect(await test.db.as(admin).get('ticket', first.id)).toMatchObject({
      lossAmount: 12_345,
      lossCurrency: 'EUR',
      status: 'closed',
    })
    expect(await problemOf(test.crm.tickets.update(admin, first.id, { status: 'open' }, { ifVersion: 1 }))).toBe(
      'stale',
    )
    const reopened = await test.crm.tickets.update(admin, first.id, { status: 'open' })
    expect([reopened.closedAt, reopened.resolvedAt]).toEqual([null, null])
    expect((await test.crm.tickets.timeline(admin, first.id)).map(({ text }) => text)).toEqual([
      'Ticket opened',
      'Status: closed',
      'Status: open',
    ])
  })
})

describe('jobs', { timeout: 60_000 }, () => {
  let test: TestCrm
  beforeEach(async () => {
    test = await openTestCrm()
  })
  afterEach(() => test.stop())
  afterAll(() => expect(tests).toEqual([]))

  it('hand the outbox to the log in order, at least once, past failures', async () => {
    await test.tenant()
    const published: DomainEvent[] = []
    let failures = 2
    const relay = createOutboxRelay({
      db: test.db,
      intervalMs: 5,
      batch: 3,
      publish(events) {
        if (failures-- > 0) return Promise.reject(new Error('log is down'))
        published.push(...events)
        return Promise.resolve()
      },
    })
    relay.start()
    const { admin } = await test.tenant()
    for (let at = 0; at < 10; at++) await test.crm.customers.create(admin, { name: `c${at}` })
    relay.wake()
    while ((await relay.lag()) > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await relay.stop()
    expect(published.map(({ version }) => version)).toEqual(published.map((_, at) => at + 1))
    expect(published.filter(({ type }) => type === 'record.changed')).toHaveLength(10)
    expect(await relay.drain()).toBe(0)
  })

  it('run in one process at a time and do what is due', async () => {
    const { admin, email } = await test.tenant()
    const sent: string[] = []
    const mail = {
      send(message: OutgoingMail) {
        sent.push(message.to)
        return Promise.resolve({ outcome: 'sent' as const })
      },
    }
    const errors: unknown[] = []
    const options = {
      crm: test.crm,
      senders: { mail },
      now: () => test.clock.now,
      onError: (error: unknown) => errors.push(error),
    }
    const [one, two] = [createCrmJobs(options), createCrmJobs(options)]
    const made = await test.crm.connections.create(admin, { name: 'r', transport: 'mqtt', vendor: 'native' })
    await test.crm.connections.rotate(admin, made.row.id, { overlapS: 5 })
    await test.crm.auth.requestReset({ email })
    await one.tick()
    await two.tick()
    expect(sent).toEqual([email])
    test.clock.now += 6_000
    await test.crm.auth.requestReset({ email })
    await two.tick()
    expect(sent).toHaveLength(1)
    await one.tick()
    expect(sent).toHaveLength(2)
    expect(await test.eventsOf('connection.revoked')).toMatchObject([{ connectionId: made.row.id }])
    await one.stop()
    await test.crm.auth.requestReset({ email })
    await two.tick()
    expect(sent).toHaveLength(3)
    await two.stop()
    expect(errors).toEqual([])
  })

  it('hold a lease one at a time, with a token that grows', async () => {
    const { leases } = test.crm
    const first = (await leases.acquire('relay', 'a', 1000))!
    expect(await leases.acquire('relay', 'b', 1000)).toBeUndefined()
    expect((await leases.acquire('relay', 'a', 1000))!.token).toBe(first.token)
    test.clock.now += 1500
    expect(await leases.holds(first)).toBe(false)
    const second = (await leases.acquire('relay', 'b', 1000))!
    expect(second.token).toBe(first.token + 1)
    expect([await leases.holds(first), await leases.holds(second)]).toEqual([false, true])
    await leases.release('relay', 'b')
    expect((await leases.acquire('relay', 'a', 1000))!.token).toBe(second.token + 1)
  })

  it('hold a lease by the clock of the database, whatever the clocks of their machines say', async () => {
    const real = Date.now
    // Each opens the database for itself, as a process does.
    const holder = async (aheadMs: number) => {
      const db = await openCrm({ url: test.url })
      const leases = createLeases({ db })
      const inItsTime = async <R>(work: () => Promise<R>): Promise<R> => {
        Date.now = () => real() + aheadMs
        try {
          await db.start()
          return await work()
        } finally {
          Date.now = real
        }
      }
      return {
        acquire: () => inItsTime(() => leases.acquire('skewed', `holder ${aheadMs}`, 2_000)),
        holds: (lease: { name: string; token: number }) => inItsTime(() => leases.holds(lease)),
        stop: () => db.stop(),
      }
    }
    const [behind, right, ahead] = await Promise.all([-3_600_000, 0, 3_600_000].map(holder))
    try {
      for (const [first, ...others] of [
        [behind!, right!, ahead!],
        [right!, ahead!, behind!],
        [ahead!, behind!, right!],
      ]) {
        const lease = (await first!.acquire())!
        for (const other of others) expect(await other.acquire()).toBeUndefined()
        expect(await first!.acquire()).toMatchObject({ token: lease.token })
        for (const each of [first!, ...others]) expect(await each.holds(lease)).toBe(true)
        // It says nothing more, and its time passes for all of them.
        await sleep(2_100)
        for (const each of [first!, ...others]) expect(await each.holds(lease)).toBe(false)
      }
    } finally {
      await Promise.all([behind, right, ahead].map((each) => each!.stop()))
    }
  })

  it('answer a repeated request as before, and only to who made it', async () => {
    const { admin } = await test.tenant()
    const other = await test.tenant()
    const { idempotency } = test.crm
    const begun = await idempotency.begin(admin, 'k', 'POST /x {}')
    expect(begun.state).toBe('new')
    expect(await problemOf(idempotency.begin(admin, 'k', 'POST /x {}'))).toBe('conflict')
    await idempotency.finish(begun.id, 201, '{"id":1}')
    expect(await idempotency.begin(admin, 'k', 'POST /x {}')).toMatchObject({
      state: 'done',
      status: 201,
      response: '{"id":1}',
    })
    expect(await problemOf(idempotency.begin(admin, 'k', 'POST /y {}'))).toBe('idempotency_mismatch')
    expect(await idempotency.begin(other.admin, 'k', 'POST /x {}')).toMatchObject({ state: 'new' })
    test.clock.now += 25 * 3_600_000
    expect(await idempotency.begin(admin, 'k', 'POST /y {}')).toMatchObject({ state: 'new' })
    expect(await idempotency.sweep()).toBe(1)
  })
})
