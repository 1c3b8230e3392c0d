/** What a server of MySQL's kind can do to the CRM, and must not: each test is on a real one. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createCrm, type Crm } from '@heliograph/crm-core'
import { newId, type CrmDatabase } from '@heliograph/crm-core/contracts'
import type { ownService } from '../../services/for-tests.ts'
import { seedCompany } from './crm-fixture.ts'
import { createCuttingProxy } from './cutting-proxy.fixture.ts'
import { mysqlType } from './ddl.ts'
import { openCrm, openCrmReader } from './index.ts'
import { MigrationError } from './migrations.ts'
import { mysqlAddress } from './mysql-address.ts'
import { checkMysql, openMysql } from './mysql-connection.ts'
import { ACQUIRE_MS, CONNECTIONS as SESSIONS } from './mysql-reads.ts'
import { migrateMysql } from './mysql-migrations.ts'
import { createTestDatabases, killSessions } from './mysql-databases.ts'
import type { TestDatabase } from './open-for-test.ts'
import { parsePrismaSchema } from './prisma-schema.ts'

const schemaFile = fileURLToPath(new URL('../../../crm-core/prisma/schema.prisma', import.meta.url))

/**
 * @param url of a server whose account may make databases
 * @param own starts a server of one's own, to be killed
 */
export function describeMysqlServer(engine: string, url: string, own: () => ReturnType<typeof ownService>): void {
  describe(`${engine} as the CRM's server`, () => {
    const databases = createTestDatabases(url)
    let database: TestDatabase
    afterAll(() => databases.end())
    const opened: { stop(): Promise<void> }[] = []
    beforeEach(async () => {
      database = await databases.openEmpty()
    })
    afterEach(async () => {
      for (const each of opened.splice(0).reverse()) await each.stop()
      await database.remove()
    })
    const start = async (at = database.url): Promise<CrmDatabase> => {
      const db = await openCrm({ url: at })
      await db.start()
      opened.push(db)
      return db
    }
    const startThroughProxy = async () => {
      const proxy = await createCuttingProxy(mysqlAddress(url).port)
      opened.push(proxy)
      const through = new URL(database.url)
      through.port = String(proxy.port)
      return { proxy, db: await start(through.href) }
    }
    const crmOf = (db: CrmDatabase): Crm =>
      createCrm({ db, secret: 'a secret of tests alone', publicUrl: 'http://x.test' })
    const raw = async <R extends RowDataPacket[]>(sql: string, at = database.url): Promise<R> => {
      const connection = await openMysql(mysqlAddress(at))
      try {
        const [rows] = await connection.query<R>(sql)
        return rows
      } finally {
        connection.destroy()
      }
    }

    describe('migrations', () => {
      beforeEach(async () => {
        await database.remove()
        database = await databases.openNew()
      })
      const migrate = async () => {
        const connection = await openMysql(mysqlAddress(database.url))
        try {
          return await migrateMysql(connection)
        } finally {
          connection.destroy()
        }
      }

      it('end in the tables, keys and indexes of the Prisma schema, all of one collation', async () => {
        await migrate()
        const models = parsePrismaSchema(await readFile(schemaFile, 'utf8'))
        const { tables, collations } = await describeTables(raw)
        expect(collations).toHaveLength(1)
        expect(collations[0]).toMatch(/^utf8mb4_(0900|nopad)_bin$/)
        const expected = Object.fromEntries(
          models.map((model) => [
            model.name,
            {
              columns: model.columns.map((column) => [column.name, plainType(mysqlType(column)), column.optional]),
              primaryKey: model.primaryKey.join(),
              uniques: model.uniques.map((columns) => columns.join()).sort(),
              foreignKeys: model.relations
                .filter(({ fields }) => fields.length > 0)
                .map((relation) => `${relation.fields.join()}>${relation.model}.${relation.references.join()}`)
                .sort(),
              indexes: model.indexes.map((columns) => columns.join()).sort(),
            },
          ]),
        )
        for (const [name, { indexes, ...rest }] of Object.entries(expected)) {
          const { indexes: found, ...table } = tables[name]!
          expect([name, table]).toEqual([name, rest])
          // The server adds one for a foreign key that has none.
          expect([name, indexes.filter((each) => !found.includes(each))]).toEqual([name, []])
        }
        expect(Object.keys(tables).sort()).toEqual(Object.keys(expected).sort())
      })

      it('run once, however many start at the same time', async () => {
        const applied = await Promise.all([migrate(), migrate(), migrate()])
        expect(applied.filter((names) => names.length > 0)).toHaveLength(1)
        expect(await migrate()).toEqual([])
      })

      it('go on where a start was cut off, whether or not the last statement was done', async () => {
        const [last] = await migrate().then((names) => names.slice(-1))
        for (const table of ['SavedView'])
          await raw(
            `UPDATE \`_migration\` SET statements = statements - 1, appliedAt = NULL WHERE name = '${last}' /* ${table} */`,
          )
        expect(await migrate()).toEqual([last])
        expect(await migrate()).toEqual([])
      })

      it('refuse a database of a newer release, and files that were edited', async () => {
        await migrate()
        await raw("UPDATE `_migration` SET checksum = REPEAT('0', 64) LIMIT 1")
        await expect(migrate()).rejects.toMatchObject({ code: 'migration_changed' })
        await raw("INSERT INTO `_migration` VALUES ('0000-other.sql', REPEAT('0', 64), 1, 1)")
        await expect(migrate()).rejects.toThrow(MigrationError)
        await expect(migrate()).rejects.toMatchObject({ code: 'migration_unknown' })
      })
    })

    it('tells AB1, ab1 and "AB1 " apart, and finds Müller by "muller"', async () => {
      const db = await start()
      const { tenantId, root } = await seedCompany(db, 'letters')
      const scoped = db.systemIn(tenantId, 'test')
      for (const name of ['AB1', 'ab1', 'AB1 ', 'ÄB1'])
        await scoped.transaction((tx) => tx.create('setting', { name, value: name }))
      expect(await scoped.find('setting', { where: { name: 'AB1' } })).toHaveLength(1)
      await scoped.transaction((tx) =>
        tx.create('customer', { name: 'Müller & 🌞 Söhne', kind: 'commercial', orgUnitId: root }),
      )
      for (const word of ['müller', 'MULLER', '🌞'])
        expect([word, await scoped.count('customer', { name: { contains: word } })]).toEqual([word, 1])
      expect(await scoped.count('customer', { name: { startsWith: 'söhne' } })).toBe(0)
      // Longer than its column is refused, never cut.
      await expect(
        scoped.transaction((tx) =>
          tx.create('customer', { name: 'x'.repeat(300), kind: 'commercial', orgUnitId: root }),
        ),
      ).rejects.toThrow()
    })

    it('has one writer at a time, of however many processes', async () => {
      const [one, two] = [await start(), await start()]
      const { tenantId } = await seedCompany(one, 'two')
      const leases = [one, two].map((db) => crmOf(db).leases)
      for (let round = 0; round < 5; round++) {
        const name = `lease ${round}`
        const taken = await Promise.all([0, 1, 0, 1].map((at, index) => leases[at]!.acquire(name, `${index}`, 60_000)))
        expect(taken.filter((lease) => lease !== undefined)).toHaveLength(1)
      }
      const advanced = await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          [one, two][at % 2]!.system.transaction((tx) =>
            tx.advance({ topic: 't', consumer: 'c', partition: 0, offset: 1 + Math.floor(at / 2) }),
          ),
        ),
      )
      expect(advanced.filter(Boolean).length).toBeLessThanOrEqual(10)
      await Promise.all(
        Array.from({ length: 40 }, (_, at) =>
          [one, two][at % 2]!.systemIn(tenantId, 'test').transaction(async (tx) => {
            await tx.create('setting', { name: `s${at}`, value: at })
            tx.emit({ type: 'record.changed', resource: 'site', id: `${at}` })
          }),
        ),
      )
      expect(await crmOf(one).audit.verify(tenantId)).toMatchObject({ ok: true })
      const versions = (await one.system.find('outbox', { orderBy: [['version', 'asc']] })).map(
        ({ version }) => version,
      )
      expect(versions).toEqual(versions.map((_, index) => versions[0]! + index))
    })

    it('does it again when the session is killed in the middle, once in effect', async () => {
      const db = await start()
      const { tenantId } = await seedCompany(db, 'killed')
      const scoped = db.systemIn(tenantId, 'test')
      let killed = 0
      await scoped.transaction(async (tx) => {
        await tx.create('setting', { name: 'before', value: 1 })
        if (killed++ === 0) await killSessions(database.url)
        await tx.create('setting', { name: 'after', value: 2 })
      })
      expect(killed).toBe(2)
      expect((await scoped.all('setting')).map(({ name }) => name).sort()).toEqual(['after', 'before'])
      // Idle sessions that were killed are not noticed by who reads next.
      await killSessions(database.url)
      expect(await scoped.count('setting')).toBe(2)
    })

    it('does it again when the server ends it for a deadlock, and both that were in it are done', async () => {
      const db = await start()
      const { tenantId } = await seedCompany(db, 'deadlock')
      const scoped = db.systemIn(tenantId, 'test')
      const [ours, theirs] = await scoped.transaction((tx) =>
        Promise.all(['ours', 'theirs'].map((name) => tx.create('setting', { name, value: 'at first' }))),
      )
      const stranger = await openMysql(mysqlAddress(database.url))
      // The server ends the one that has changed less: that is never the stranger, who knows no second try.
      await stranger.query('BEGIN')
      await stranger.query('CREATE TEMPORARY TABLE `much` (`id` INT PRIMARY KEY) ENGINE = InnoDB')
      for (let row = 0; row < 100; row++) await stranger.query(`INSERT INTO \`much\` VALUES (${row})`)
      const change = (id: string) => stranger.query('UPDATE `Setting` SET `value` = \'"theirs"\' WHERE `id` = ?', [id])
      await change(theirs!.id)
      let crossing: Promise<unknown> | undefined
      let ran = 0
      await scoped.transaction(async (tx) => {
        ran++
        await tx.update('setting', ours!.id, { value: 'ours' })
        // Waits for us, as we shall for it.
        crossing ??= change(ours!.id).then(() => stranger.query('COMMIT'))
        await sleep(200)
        await tx.update('setting', theirs!.id, { value: 'ours' })
      })
      await crossing
      stranger.destroy()
      expect(ran).toBe(2)
      expect((await scoped.all('setting')).map(({ value }) => value)).toEqual(['ours', 'ours'])
    })

    it('does it once when only the answer to the commit is lost', async () => {
      const { db, proxy } = await startThroughProxy()
      const { tenantId } = await seedCompany(db, 'answer')
      let ran = 0
      for (const when of ['before', 'after'] as const) {
        proxy.cutNext('COMMIT', when)
        await db.systemIn(tenantId, 'test').transaction(async (tx) => {
          ran++
          await tx.create('setting', { name: `${when} ${ran}`, value: 1 })
        })
      }
      // The commit that did not reach the server was made again; the one that did was not.
      expect(ran).toBe(3)
      expect((await db.systemIn(tenantId, 'test').all('setting')).map(({ name }) => name).sort()).toEqual([
        'after 3',
        'before 2',
      ])
    })

    it('tries again when a connection is lost while it begins, and nothing else falls with it', async () => {
      const { db, proxy } = await startThroughProxy()
      const { tenantId } = await seedCompany(db, 'begins')
      const scoped = db.systemIn(tenantId, 'test')
      let written = 0
      const write = (): Promise<unknown> =>
        scoped.transaction((tx) => tx.create('setting', { name: `${++written}`, value: 1 }))
      for (const when of ['before', 'after'] as const)
        for (const work of [() => scoped.count('site'), write]) {
          await killSessions(database.url)
          proxy.cutNext('SET SESSION', when)
          await work()
        }
      expect(await scoped.count('setting')).toBe(2)
    })

    it('waits for whoever holds a row, while reads go on', async () => {
      const db = await start()
      const holder = await openMysql(mysqlAddress(database.url))
      await holder.query('BEGIN')
      await holder.query('SELECT * FROM `_writer` FOR UPDATE')
      const waiting = db.system.transaction((tx) => tx.next('held'))
      expect(await db.system.count('tenant')).toBe(0)
      await sleep(500)
      await holder.query('ROLLBACK')
      holder.destroy()
      expect(await waiting).toBe(1)
    })

    it('answers within seconds when all its sessions wait, and goes on when they are free', async () => {
      const db = await start()
      const { tenantId } = await seedCompany(db, 'dry')
      const scoped = db.systemIn(tenantId, 'test')
      const holder = await openMysql(mysqlAddress(database.url))
      await holder.query('LOCK TABLES `Setting` WRITE')
      const stuck = Array.from({ length: SESSIONS }, () => scoped.count('setting'))
      await sleep(500)
      const asked = performance.now()
      await expect(scoped.count('site')).rejects.toMatchObject({ code: 'unavailable' })
      expect(performance.now() - asked).toBeLessThan(5 * ACQUIRE_MS)
      await holder.query('UNLOCK TABLES')
      holder.destroy()
      expect(await Promise.all(stuck)).toEqual(stuck.map(() => 0))
      expect(await scoped.count('site')).toBe(2)
    })

    it('is slow, and not wrong, over a slow line', async () => {
      const { db, proxy } = await startThroughProxy()
      const { tenantId } = await seedCompany(db, 'slow')
      const scoped = db.systemIn(tenantId, 'test')
      proxy.slow(300)
      await Promise.all([
        ...Array.from({ length: 4 }, (_, at) =>
          scoped.transaction((tx) => tx.create('setting', { name: `s${at}`, value: at })),
        ),
        ...Array.from({ length: 3 * SESSIONS }, async () => expect(await scoped.count('site')).toBe(2)),
      ])
      expect(await scoped.count('setting')).toBe(4)
    })

    it('shows readers one moment, while another process writes', async () => {
      const db = await start()
      const reader = await openCrmReader({ url: database.url })
      opened.push(reader)
      const { tenantId, northern } = await seedCompany(db, 'read')
      let writing = true
      const writes = (async () => {
        for (let at = 0; at < 30; at++)
          await db.systemIn(tenantId, 'test').transaction(async (tx) => {
            const [last] = await db.system.find('outbox', { orderBy: [['version', 'desc']], limit: 1 })
            await tx.update('site', northern.site.id, { name: `v${(last?.version ?? 0) + 1}` })
            tx.emit({ type: 'record.changed', resource: 'site', id: northern.site.id })
          })
        writing = false
      })()
      let reads = 0
      while (writing) {
        const { version, sites } = await reader.registry()
        const name = sites.find(({ id }) => id === northern.site.id)?.name
        if (name?.startsWith('v')) expect(name).toBe(`v${version}`)
        reads++
      }
      await writes
      expect(reads).toBeGreaterThan(3)
      const [connection] = await db.systemIn(tenantId, 'test').all('connection')
      expect(await reader.connectionById(connection!.id)).toMatchObject({ connectionId: connection!.id, tenantId })
      expect(await reader.connectionByUsername(connection!.username.toUpperCase())).toBeUndefined()
    })

    it('is refused at start with one line that names the setting', async () => {
      const { host, port, user, password, database: name } = mysqlAddress(database.url)
      const at = `${host}:${port}`
      const login = `${user}:${password}`
      const fault = (text: string) =>
        checkMysql(text).then(
          () => 'fine',
          (error: Error) => error.message,
        )
      expect(await fault(database.url)).toBe('fine')
      for (const [text, said] of [
        [`mysql://${user}:wr0ng@${at}/${name}`, `${at} refuses user name or password`],
        [`mysql://${login}@${at}/nothing_here`, 'has no database "nothing_here": CREATE DATABASE'],
        [`mysql://${login}@127.0.0.1:1/${name}`, 'nothing listens on 127.0.0.1:1'],
        [`mysql://${login}@no-such-host.invalid/${name}`, 'there is no host for no-such-host.invalid:3306'],
        [`mysql://${login}@localhost:${port}/${name}?tls=required`, /offers no TLS|cannot be trusted: its certificate/],
        [`mysql://${login}@${at}/${name}?tls=required`, "a certificate is for a host's name, not for 127.0.0.1"],
        [`mysql://${login}@localhost:${port}/${name}?ca=/no/such/file`, 'ca= cannot be read: ENOENT'],
        [`mysql://${login}@${at}/${name}?ssl=true`, 'knows no ssl='],
        [`mysql://${at}`, 'write mysql://user:password@host:3306/database'],
      ] as const) {
        const told = await fault(text)
        expect(told).toMatch(/^HELIO_CRM_URL: [^\n]+$/)
        expect(told).toMatch(said instanceof RegExp ? said : new RegExp(said.replace(/[.?$^()|[\]]/g, '\\$&')))
        expect(told).not.toMatch(/wr0ng/)
      }
    })
  })

  describe(`${engine} that goes away`, () => {
    let server: Awaited<ReturnType<typeof ownService>>
    let db: CrmDatabase
    beforeAll(async () => {
      server = await own()
      db = await openCrm({ url: server.url() })
      await db.start()
    })
    afterAll(async () => {
      await db.stop()
      await server.remove()
    })

    it('says so while it is down, and goes on by itself; what was committed is there', async () => {
      const { tenantId } = await seedCompany(db, 'away')
      const scoped = db.systemIn(tenantId, 'test')
      await scoped.transaction((tx) => tx.create('setting', { name: 'kept', value: newId() }))
      const reader = await openCrmReader({ url: server.url() })
      await server.kill()
      await expect(scoped.transaction((tx) => tx.create('setting', { name: 'lost', value: 1 }))).rejects.toMatchObject({
        code: 'unavailable',
      })
      await expect(scoped.count('setting')).rejects.toMatchObject({ code: 'unavailable' })
      expect(await db.health()).toMatchObject({ ok: false })
      await expect(reader.registry()).rejects.toThrow()
      await server.start()
      await expect.poll(async () => (await db.health()).ok, { timeout: 30_000 }).toBe(true)
      await scoped.transaction((tx) => tx.create('setting', { name: 'then', value: 1 }))
      expect((await scoped.all('setting')).map(({ name }) => name).sort()).toEqual(['kept', 'then'])
      expect((await reader.registry()).sites).toHaveLength(2)
      await reader.stop()
    })

    it('that gives no more sessions is told from one that is down, and is used again when it gives some', async () => {
      const { tenantId } = await seedCompany(db, 'crowded')
      const scoped = db.systemIn(tenantId, 'test')
      const admin = await openMysql(mysqlAddress(server.url()))
      const limit = (sessions: number) => admin.query(`ALTER USER CURRENT_USER() WITH MAX_USER_CONNECTIONS ${sessions}`)
      await limit(1)
      const only = await openMysql(mysqlAddress(server.url()))
      try {
        await endOthers(admin, only)
        await expect(scoped.count('site')).rejects.toMatchObject({ code: 'unavailable' })
        expect(await db.health()).toMatchObject({ ok: false })
        await expect(checkMysql(server.url())).rejects.toThrow(/^HELIO_CRM_URL: .* gives "[a-z]+" no more connections/)
      } finally {
        await limit(0)
        admin.destroy()
        only.destroy()
      }
      await expect.poll(async () => (await db.health()).ok, { timeout: 30_000 }).toBe(true)
      expect(await scoped.count('site')).toBe(2)
    })

    it('that takes writes no more is read on, says so to who writes, and is written to when it does again', async () => {
      const { tenantId } = await seedCompany(db, 'replica')
      const admin = await openMysql(mysqlAddress(server.url()))
      const readOnly = (value: 0 | 1) => admin.query(`SET GLOBAL read_only = ${value}`)
      // As the manual says: all rights on the database. Rights on the server would make it write in spite of `read_only`.
      const { database: name } = mysqlAddress(server.url())
      await admin.query("CREATE USER 'plain' IDENTIFIED BY 'plain-secret'")
      await admin.query(`GRANT ALL ON \`${name}\`.* TO 'plain'`)
      const url = new URL(server.url())
      url.username = 'plain'
      url.password = 'plain-secret'
      const plain = await openCrm({ url: url.href })
      await plain.start()
      const scoped = plain.systemIn(tenantId, 'test')
      const write = () => scoped.transaction((tx) => tx.create('setting', { name: newId(), value: 1 }))
      try {
        await write()
        await readOnly(1)
        await expect(write()).rejects.toMatchObject({ code: 'unavailable' })
        expect(await scoped.count('setting')).toBe(1)
        await expect(checkMysql(url.href)).rejects.toThrow(/^HELIO_CRM_URL: .* takes no writes \(read_only\)/)
      } finally {
        await readOnly(0)
        admin.destroy()
      }
      await write()
      expect(await scoped.count('setting')).toBe(2)
      await plain.stop()
    })

    it('that takes no writes is no database to start with', async () => {
      const { tenantId } = await seedCompany(db, 'read-only')
      const admin = await openMysql(mysqlAddress(server.url()))
      // The account of the test may write in spite of `read_only`: sessions that only read stand in for it.
      const other = await openCrm({ url: server.url() })
      try {
        await admin.query('SET GLOBAL TRANSACTION READ ONLY')
        await expect(other.start()).rejects.toThrow()
      } finally {
        await admin.query('SET GLOBAL TRANSACTION READ WRITE')
        admin.destroy()
      }
      expect(await db.systemIn(tenantId, 'test').count('site')).toBe(2)
    })
  })
}

/** Every session of the server but these. */
async function endOthers(...kept: Connection[]): Promise<void> {
  const [sessions] = await kept[0]!.query<RowDataPacket[]>('SELECT ID AS id FROM information_schema.PROCESSLIST')
  for (const { id } of sessions)
    if (kept.every(({ threadId }) => threadId !== Number(id)))
      await kept[0]!.query(`KILL ${Number(id)}`).catch(() => undefined)
}

interface Table {
  columns: [string, string, boolean][]
  primaryKey: string
  uniques: string[]
  indexes: string[]
  foreignKeys: string[]
}
/** Widths of numbers are shown by one server and not by the other; MariaDB keeps JSON as text. */
const plainType = (type: string): string =>
  type
    .toLowerCase()
    .replace(/^(big|tiny)?int(eger)?(\(\d+\))?$/, '$1int')
    .replace(/^boolean$/, 'tinyint')
    .replace(/^longtext$/, 'json')

async function describeTables(
  raw: (sql: string) => Promise<RowDataPacket[]>,
): Promise<{ tables: Record<string, Table>; collations: string[] }> {
  const where = 'TABLE_SCHEMA = DATABASE()'
  const tables: Record<string, Table> = {}
  for (const row of await raw(
    `SELECT TABLE_NAME AS t, COLUMN_NAME AS c, COLUMN_TYPE AS type, IS_NULLABLE AS nullable FROM information_schema.COLUMNS WHERE ${where} AND TABLE_NAME NOT LIKE '\\_%' ORDER BY t, ORDINAL_POSITION`,
  )) {
    const table = (tables[row.t as string] ??= {
      columns: [],
      primaryKey: '',
      uniques: [],
      indexes: [],
      foreignKeys: [],
    })
    table.columns.push([row.c as string, plainType(row.type as string), row.nullable === 'YES'])
  }
  for (const row of await raw(
    `SELECT TABLE_NAME AS t, INDEX_NAME AS name, NON_UNIQUE AS many, GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX) AS columns FROM information_schema.STATISTICS WHERE ${where} AND TABLE_NAME NOT LIKE '\\_%' GROUP BY t, name, many ORDER BY columns`,
  )) {
    const table = tables[row.t as string]!
    if (row.name === 'PRIMARY') table.primaryKey = row.columns as string
    else if (Number(row.many) === 0) table.uniques.push(row.columns as string)
    else table.indexes.push(row.columns as string)
  }
  for (const row of await raw(
    `SELECT TABLE_NAME AS t, GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION) AS c, REFERENCED_TABLE_NAME AS other, GROUP_CONCAT(REFERENCED_COLUMN_NAME ORDER BY ORDINAL_POSITION) AS columns FROM information_schema.KEY_COLUMN_USAGE WHERE ${where} AND REFERENCED_TABLE_NAME IS NOT NULL GROUP BY t, CONSTRAINT_NAME, other`,
  ))
    tables[row.t as string]!.foreignKeys.push(`${String(row.c)}>${String(row.other)}.${String(row.columns)}`)
  for (const table of Object.values(tables)) {
    table.uniques.sort()
    table.foreignKeys.sort()
  }
  const collations = await raw(
    `SELECT DISTINCT COLLATION_NAME AS name FROM information_schema.COLUMNS WHERE ${where} AND COLLATION_NAME IS NOT NULL AND DATA_TYPE <> 'longtext' AND TABLE_NAME NOT LIKE '\\_%'`,
  )
  return { tables, collations: collations.map(({ name }) => name as string) }
}
