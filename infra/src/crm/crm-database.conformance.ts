/** The promises of the CRM database port. Every engine runs this, unchanged. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemCaller, TABLES } from '@heliograph/crm-core'
import {
  newId,
  type CrmDatabase,
  type CustomerId,
  type DomainEvent,
  type NewRow,
  type ProblemCode,
  type Row,
  type TableName,
  type Where,
} from '@heliograph/crm-core/contracts'
import {
  dump,
  INSTANCE_TABLES,
  personOf,
  seedCompany,
  seedEverything,
  TENANT_TABLES,
  type Company,
  type Seeded,
} from './crm-fixture.ts'

export interface CrmHarness {
  db: CrmDatabase
  stop(): Promise<void>
}

export async function problemOf(work: Promise<unknown>): Promise<ProblemCode | 'none'> {
  try {
    await work
    return 'none'
  } catch (error) {
    const { code } = error as { code?: ProblemCode }
    if (code === undefined) throw error
    return code
  }
}

export function describeCrmDatabase(engine: string, open: () => Promise<CrmHarness>): void {
  describe(`CRM database on ${engine}`, { timeout: 60_000 }, () => {
    let harness: CrmHarness
    let db: CrmDatabase
    beforeAll(async () => {
      harness = await open()
      db = harness.db
    })
    afterAll(() => harness.stop())

    describe('tenancy cannot be forgotten', () => {
      let ours: Seeded
      let theirs: Seeded
      let before: Record<string, unknown[]>
      beforeAll(async () => {
        ours = await seedEverything(db)
        theirs = await seedEverything(db)
        before = await dump(db, theirs.tenantId)
      })

      it('has a row of each tenant in every table', () => {
        for (const table of TENANT_TABLES) expect([table, before[table]!.length > 0]).toEqual([table, true])
      })

      for (const table of TENANT_TABLES) {
        it(`reads no foreign row of ${table}, whatever is asked`, async () => {
          const foreign = before[table] as Record<string, unknown>[]
          const secrets = ['passwordHash', 'tokenHash', 'secretHash', 'secretCipher', 'salt', 'text']
          const columns = Object.entries(TABLES[table].columns).filter(
            ([column, kind]) => !kind.startsWith('json') && !secrets.includes(column),
          )
          const comparison = fc.constantFrom(...columns).chain(([column, kind]) => {
            const value = foreign[0]![column]
            const lists = kind.startsWith('boolean')
              ? []
              : [{ [column]: { in: value === null ? [] : [value] } }, { [column]: { notIn: [] } }]
            return fc.constantFrom<unknown>({ [column]: value }, { [column]: { not: null } }, ...lists)
          })
          const { where } = fc.letrec<{ where: unknown }>((tie) => ({
            where: fc.oneof(
              { depthSize: 'small' },
              comparison,
              fc.constant({}),
              fc.record({ OR: fc.array(tie('where'), { maxLength: 3 }) }),
              fc.record({ AND: fc.array(tie('where'), { maxLength: 3 }) }),
              fc.record({ NOT: tie('where') }),
            ),
          }))
          const callers = [
            personOf(ours.tenantId),
            personOf(ours.tenantId, { reach: 'limited' }),
            systemCaller('x', ours.tenantId),
          ]
          const tenantColumn = table === 'tenant' ? 'id' : 'tenantId'
          await fc.assert(
            fc.asyncProperty(where, fc.constantFrom(...callers), async (asked, caller) => {
              const scoped = db.as(caller)
              const rows = (await scoped.find(table, { where: asked as Where<TableName> })) as unknown as Record<
                string,
                unknown
              >[]
              expect(rows.filter((row) => row[tenantColumn] !== ours.tenantId)).toEqual([])
              expect(await scoped.count(table, asked as Where<TableName>)).toBe(rows.length)
            }),
            { numRuns: 25 },
          )
          const key = theirs.keys.get(table)
          if (key !== undefined && TABLES[table].primaryKey.length === 1)
            for (const caller of callers) expect(await problemOf(db.as(caller).get(table, key))).toBe('not_found')
        })
      }

      it('changes, removes and refers to no foreign row', async () => {
        for (const caller of [
          personOf(ours.tenantId),
          personOf(ours.tenantId, { reach: 'limited' }),
          systemCaller('x', ours.tenantId),
        ]) {
          for (const table of TENANT_TABLES) {
            const key = theirs.keys.get(table)
            const foreign = before[table]![0] as Record<string, unknown>
            if (key !== undefined && TABLES[table].primaryKey.length === 1) {
              const change = db.as(caller).transaction((tx) => tx.update(table, key, {}))
              expect([table, await problemOf(change)]).toEqual([table, 'not_found'])
              const removal = db.as(caller).transaction((tx) => tx.remove(table, key))
              expect([table, await problemOf(removal)]).toEqual([table, 'not_found'])
            }
            const column = TABLES[table].primaryKey[0]!
            const where = { [column]: foreign[column] } as Where<TableName>
            expect(await db.as(caller).transaction((tx) => tx.removeWhere(table, where))).toBe(0)
            const named = { ...foreign, ...(column === 'id' ? { id: newId() } : {}) } as unknown as NewRow<TableName>
            if (table !== 'tenant')
              expect([table, await problemOf(db.as(caller).transaction((tx) => tx.create(table, named)))]).toEqual([
                table,
                'not_found',
              ])
            for (const [reference, other] of Object.entries(TABLES[table].references)) {
              if (!theirs.keys.has(other)) continue
              const own = { ...foreign, id: newId(), tenantId: ours.tenantId, [reference]: theirs.keys.get(other) }
              if (TABLES[table].columns.id === undefined) Reflect.deleteProperty(own, 'id')
              const creation = db.as(caller).transaction((tx) => tx.create(table, own as unknown as NewRow<TableName>))
              expect([table, reference, await problemOf(creation)]).toEqual([table, reference, 'not_found'])
            }
          }
        }
        expect(await dump(db, theirs.tenantId)).toEqual(before)
      })

      it('shows tables of the instance to the system alone', async () => {
        for (const table of [...INSTANCE_TABLES, 'outbox', 'credential', 'passwordReset'] as TableName[])
          expect([table, await db.as(personOf(ours.tenantId)).count(table)]).toEqual([table, 0])
      })

      it('keeps secrets to itself', async () => {
        for (const [table, column] of [
          ['user', 'passwordHash'],
          ['apiKey', 'tokenHash'],
        ] as const) {
          const rows = (await db.as({ ...personOf(ours.tenantId), portal: false }).all(table)) as unknown as Record<
            string,
            unknown
          >[]
          for (const row of rows) expect(row[column] ?? '').toBe('')
        }
        const trail = JSON.stringify(await db.systemIn(ours.tenantId, 'test').all('audit'))
        const user = await db.systemIn(ours.tenantId, 'test').get('user', ours.keys.get('user')!)
        const key = await db.systemIn(ours.tenantId, 'test').get('apiKey', ours.keys.get('apiKey')!)
        expect(trail).not.toContain(key.tokenHash)
        if (user.passwordHash !== null) expect(trail).not.toContain(user.passwordHash)
      })

      it('answers no question about a secret', async () => {
        const scoped = db.as(personOf(ours.tenantId))
        await expect(scoped.count('user', { passwordHash: { startsWith: '$' } })).rejects.toThrow(TypeError)
        await expect(scoped.find('apiKey', { orderBy: [['tokenHash', 'asc']] })).rejects.toThrow(TypeError)
      })

      it('takes no relation and no unknown column in a condition', async () => {
        const scoped = db.as(personOf(ours.tenantId))
        for (const where of [{ customer: { name: 'x' } }, { nothing: 1 }, { name: { raw: 1 } }, { address: {} }])
          await expect(scoped.find('site', { where: where as Where<'site'> })).rejects.toThrow(TypeError)
      })
    })

    describe('visibility', () => {
      let company: Company
      beforeAll(async () => {
        company = await seedCompany(db, 'visible')
      })
      const seen = async (caller: ReturnType<typeof personOf>, table: TableName): Promise<string[]> =>
        ((await db.as(caller).all(table)) as unknown as { id: string }[]).map(({ id }) => id).sort()

      it('shows a customer its own and nothing of the staff', async () => {
        const { northern } = company
        const customer = personOf(company.tenantId, {
          reach: 'limited',
          customerIds: [northern.customer.id as CustomerId],
          portal: true,
        })
        expect(await seen(customer, 'customer')).toEqual([northern.customer.id])
        expect(await seen(customer, 'site')).toEqual([northern.site.id])
        expect(await seen(customer, 'device')).toEqual([northern.device.id])
        expect(await seen(customer, 'alarm')).toEqual([northern.alarm.id])
        expect(await seen(customer, 'ticket')).toEqual([northern.ticket.id])
        for (const hidden of [
          'connection',
          'unclaimed',
          'apiKey',
          'audit',
          'orgUnit',
          'role',
          'replay',
          'setting',
        ] as const)
          expect([hidden, await seen(customer, hidden)]).toEqual([hidden, []])
        await db
          .systemIn(company.tenantId, 'test')
          .transaction((tx) => tx.update('customer', northern.customer.id, { notes: 'pays late' }))
        expect((await db.as(customer).get('customer', northern.customer.id)).notes).toBeNull()
        expect((await db.as(personOf(company.tenantId)).get('customer', northern.customer.id)).notes).toBe('pays late')
        await expect(db.as(customer).count('customer', { notes: { contains: 'late' } })).rejects.toThrow(TypeError)
        const entries = await db.as(customer).all('ticketEntry')
        expect(entries.map(({ text }) => text)).toEqual(['told'])
      })

      it('shows staff of a unit what is below it, and the root everything', async () => {
        const north = personOf(company.tenantId, { reach: 'limited', orgUnitIds: [company.north] })
        const root = personOf(company.tenantId, { reach: 'limited', orgUnitIds: [company.root] })
        for (const [table, id] of [
          ['site', company.northern.site.id],
          ['customer', company.northern.customer.id],
          ['device', company.northern.device.id],
          ['connection', company.northern.connection.id],
          ['alarm', company.northern.alarm.id],
          ['ticket', company.northern.ticket.id],
        ] as const) {
          expect([table, await seen(north, table)]).toEqual([table, [id]])
          expect([table, (await seen(root, table)).length]).toEqual([table, 2])
        }
        expect(await seen(north, 'orgUnit')).toEqual([company.north])
      })

      it('shows nothing to who has no reach', async () => {
        const nobody = personOf(company.tenantId, { reach: 'limited' })
        for (const table of ['site', 'customer', 'device', 'alarm', 'ticket', 'connection'] as const)
          expect([table, await seen(nobody, table)]).toEqual([table, []])
      })

      it('lets nobody change, or put anything into, what it does not see', async () => {
        const north = db.as(personOf(company.tenantId, { reach: 'limited', orgUnitIds: [company.north] }))
        const { southern, northern } = company
        const attempts: Promise<unknown>[] = [
          north.transaction((tx) => tx.update('site', southern.site.id, { name: 'mine' })),
          north.transaction((tx) => tx.remove('alarm', southern.alarm.id)),
          north.transaction((tx) => tx.update('site', northern.site.id, { orgUnitId: company.south })),
          north.transaction((tx) => tx.update('device', northern.device.id, { siteId: southern.site.id })),
          north.transaction((tx) =>
            tx.create('site', {
              name: 'x',
              customerId: southern.customer.id,
              orgUnitId: company.north,
              timezone: 'UTC',
            }),
          ),
          north.transaction((tx) => tx.create('customer', { name: 'x', kind: 'residential', orgUnitId: company.root })),
        ]
        for (const attempt of attempts) expect(await problemOf(attempt)).toBe('not_found')
      })
    })

    describe('changes', () => {
      let company: Company
      let scoped: ReturnType<CrmDatabase['as']>
      const clerk = () => personOf(company.tenantId)
      beforeAll(async () => {
        company = await seedCompany(db, 'changes')
        scoped = db.as(clerk())
      })

      it('counts versions and refuses stale ones', async () => {
        const { id } = company.northern.site
        const first = await scoped.transaction((tx) => tx.update('site', id, { name: 'a' }, { ifVersion: 1 }))
        expect(first.version).toBe(2)
        expect(
          await problemOf(scoped.transaction((tx) => tx.update('site', id, { name: 'b' }, { ifVersion: 1 }))),
        ).toBe('stale')
        expect(await problemOf(scoped.transaction((tx) => tx.remove('site', id, { ifVersion: 1 })))).toBe('stale')
        const same = await scoped.transaction((tx) => tx.update('site', id, { name: 'a' }))
        expect(same.version).toBe(2)
        expect((await scoped.get('site', id)).name).toBe('a')
      })

      it('gives back what it was given: dates, numbers, JSON, null', async () => {
        const { id } = company.southern.site
        const address = { city: 'Wien', country: 'AT' }
        await scoped.transaction((tx) => tx.update('site', id, { latitude: 48.2082, address, peakPowerW: 1e9 }))
        const row = await scoped.get('site', id)
        expect(row).toMatchObject({ latitude: 48.2082, address, peakPowerW: 1e9, longitude: null })
        expect(row.createdAt).toBeInstanceOf(Date)
        await scoped.transaction((tx) => tx.update('site', id, { address: null }))
        expect((await scoped.get('site', id)).address).toBeNull()
        const at = new Date('2026-03-29T01:00:00.123Z')
        await scoped.transaction((tx) => tx.update('alarm', company.southern.alarm.id, { clearedAt: at }))
        expect((await scoped.get('alarm', company.southern.alarm.id)).clearedAt).toEqual(at)
        expect(await scoped.count('alarm', { clearedAt: { lt: at } })).toBe(0)
        expect(await scoped.count('alarm', { clearedAt: { gte: at } })).toBe(1)
      })

      it('says what is taken and what is in use', async () => {
        const email = `${newId()}@x.test`
        const user = () => scoped.transaction((tx) => tx.create('user', { email, name: 'x', status: 'active' }))
        await user()
        expect(await problemOf(user())).toBe('conflict')
        expect(await problemOf(scoped.transaction((tx) => tx.remove('customer', company.northern.customer.id)))).toBe(
          'in_use',
        )
      })

      it('takes all of a transaction or nothing', async () => {
        const before = await dump(db, company.tenantId)
        const failing = scoped.transaction(async (tx) => {
          await tx.create('customer', { name: 'gone', kind: 'residential', orgUnitId: company.root })
          tx.emit({ type: 'record.changed', resource: 'customer', id: 'x' })
          await tx.next('gap')
          throw new Error('no')
        })
        await expect(failing).rejects.toThrow('no')
        expect(await dump(db, company.tenantId)).toEqual(before)
      })

      it('pages through ties and nulls in either direction, each row once', async () => {
        for (let at = 0; at < 23; at++)
          await scoped.transaction((tx) =>
            tx.create('customer', {
              name: `tie ${at % 3}`,
              kind: 'residential',
              orgUnitId: company.root,
              email: at % 4 === 0 ? null : `${at % 5}@x.test`,
            }),
          )
        for (const direction of ['asc', 'desc'] as const) {
          for (const column of ['email', 'name', 'createdAt'] as const) {
            const orderBy = [[column, direction]] as const
            const ids: string[] = []
            let cursor: string | undefined
            do {
              const page = await scoped.page('customer', {
                orderBy,
                limit: 4,
                ...(cursor === undefined ? {} : { cursor }),
              })
              ids.push(...page.items.map(({ id }) => id))
              cursor = page.nextCursor ?? undefined
            } while (cursor !== undefined)
            const all = await scoped.find('customer', { orderBy })
            expect([column, direction, ids]).toEqual([column, direction, all.map(({ id }) => id)])
          }
        }
        const { nextCursor } = await scoped.page('customer', { orderBy: [['name', 'asc']], limit: 1 })
        for (const cursor of ['', 'x', nextCursor!.slice(0, -4), nextCursor!])
          expect(await problemOf(scoped.page('customer', { orderBy: [['email', 'asc']], limit: 1, cursor }))).toBe(
            'invalid_cursor',
          )
      })
    })

    describe('audit trail', () => {
      it('has one entry per change, with who, what and where from', async () => {
        const { tenantId, northern, root } = await seedCompany(db, 'audited')
        const clerk = personOf(tenantId)
        const trail = async (): Promise<Row<'audit'>[]> =>
          await db.as(clerk).find('audit', { where: { actorId: clerk.id }, orderBy: [['seq', 'asc']] })
        const made = await db
          .as(clerk)
          .transaction((tx) => tx.create('customer', { name: 'New', kind: 'residential', orgUnitId: root }))
        await db.as(clerk).transaction((tx) => tx.update('customer', made.id, { name: 'Newer' }))
        await db.as(clerk).transaction((tx) => tx.remove('customer', made.id))
        await db.denied(clerk, { action: 'read', resource: 'user' })
        await db.denied(clerk, { action: 'read', resource: 'user' })
        const entries = await trail()
        expect(entries.map(({ action, resource, resourceId }) => [action, resource, resourceId])).toEqual([
          ['create', 'customer', made.id],
          ['update', 'customer', made.id],
          ['remove', 'customer', made.id],
          ['denied:read', 'user', null],
        ])
        expect(JSON.parse(entries[1]!.details!)).toEqual({
          fields: { name: ['New', 'Newer'] },
          origin: { address: '192.0.2.1' },
        })
        expect(northern.customer.name).toBe('Customer 1')
        const seqs = (await db.as(clerk).all('audit')).map(({ seq }) => seq).sort((a, b) => a - b)
        expect(seqs).toEqual(seqs.map((_, index) => index + 1))
      })

      it('keeps one chain while many write at once', async () => {
        const { tenantId, root } = await seedCompany(db, 'busy')
        await Promise.all(
          Array.from({ length: 30 }, (_, at) =>
            db
              .as(personOf(tenantId))
              .transaction((tx) => tx.create('customer', { name: `c${at}`, kind: 'residential', orgUnitId: root })),
          ),
        )
        const { verifyAuditChain } = await import('@heliograph/crm-core')
        const rows = await db.systemIn(tenantId, 'test').find('audit', { orderBy: [['seq', 'asc']] })
        const verdict = await verifyAuditChain(
          (async function* () {
            yield rows
          })(),
        )
        expect(verdict).toMatchObject({ ok: true, entries: rows.length })
      })
    })

    describe('outbox and offsets', () => {
      it('numbers events without gaps, in the order of the commits', async () => {
        const { tenantId } = await seedCompany(db, 'events')
        const first = (await db.system.find('outbox', { orderBy: [['version', 'desc']], limit: 1 }))[0]?.version ?? 0
        const order: string[] = []
        await Promise.all(
          Array.from({ length: 20 }, async (_, at) => {
            const events = 1 + (at % 3)
            const work = db.systemIn(tenantId, 'test').transaction((tx) => {
              for (let index = 0; index < events; index++)
                tx.emit({ type: 'record.changed', resource: 'site', id: `${at}.${index}` })
              if (at % 5 === 4) throw new Error('rolled back')
              return Promise.resolve()
            })
            try {
              await work
              for (let index = 0; index < events; index++) order.push(`${at}.${index}`)
            } catch {
              // Its events must be nowhere.
            }
          }),
        )
        const rows = await db.system.find('outbox', {
          where: { version: { gt: first } },
          orderBy: [['version', 'asc']],
        })
        expect(rows.map(({ version }) => version)).toEqual(rows.map((_, index) => first + 1 + index))
        const events = rows.map(({ payload }) => JSON.parse(payload) as DomainEvent & { id: string })
        expect(events.map(({ id }) => id)).toEqual(order)
        expect(events.map(({ version }) => version)).toEqual(rows.map(({ version }) => version))
        expect(events.every((event) => event.tenantId === tenantId)).toBe(true)
      })

      it('saves an offset with its effects or neither, and does nothing twice', async () => {
        const { tenantId } = await seedCompany(db, 'offsets')
        const position = { topic: 'alarms', consumer: newId(), partition: 3, offset: 10 }
        const apply = (offset: number, fail = false) =>
          db.system.transaction(async (tx) => {
            if (!(await tx.advance({ ...position, offset }))) return false
            await tx.create('setting', { tenantId, name: `at ${offset}`, value: offset })
            if (fail) throw new Error('crash')
            return true
          })
        await expect(apply(10, true)).rejects.toThrow('crash')
        expect(await apply(10)).toBe(true)
        expect(await apply(10)).toBe(false)
        expect(await apply(7)).toBe(false)
        expect(await apply(20)).toBe(true)
        const settings = await db.systemIn(tenantId, 'test').all('setting')
        expect(settings.map(({ name }) => name).sort()).toEqual(['at 10', 'at 20'])
        const [saved] = await db.system.find('consumerOffset', { where: { consumer: position.consumer } })
        expect(saved).toMatchObject({ partition: 3, offset: 20 })
      })

      it('gives numbers out once', async () => {
        const numbers = await Promise.all(
          Array.from({ length: 20 }, () => db.system.transaction((tx) => tx.next('ticket:numbers'))),
        )
        expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1))
      })
    })
  })
}
