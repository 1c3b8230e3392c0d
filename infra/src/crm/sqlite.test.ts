import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile, mkdir, copyFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createClient, type Client } from '@libsql/client/sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCrm, systemCaller } from '@heliograph/crm-core'
import type { TenantId } from '@heliograph/crm-core/contracts'
import { describeCrmDatabase } from './crm-database.conformance.ts'
import { seedCompany } from './crm-fixture.ts'
import { createStatements, sqliteType } from './ddl.ts'
import { backupCrm, openCrm, openCrmReader } from './index.ts'
import { migrateSqlite, MigrationError, readMigrations, SQLITE_MIGRATIONS } from './migrations.ts'
import { parsePrismaSchema } from './prisma-schema.ts'
import { beginWriting, sqliteConfig } from './sqlite-connection.ts'

const run = promisify(execFile)
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

describeCrmDatabase('SQLite', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'helio-crm-'))
  const db = await openCrm({ url: `file:${folder}/crm.sqlite` })
  await db.start()
  return {
    db,
    async stop() {
      await db.stop()
      await rm(folder, { recursive: true })
    },
  }
})

// Processes of their own start slowly on a busy machine.
describe('SQLite database file', { timeout: 60_000 }, () => {
  let folder: string
  let file: string
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'helio-crm-'))
    file = path.join(folder, 'crm.sqlite')
  })
  afterEach(() => rm(folder, { recursive: true }))

  const withClient = async <R>(work: (client: Client) => Promise<R>): Promise<R> => {
    const client = createClient(sqliteConfig(file))
    try {
      return await work(client)
    } finally {
      client.close()
    }
  }

  describe('migrations', () => {
    it('end in the tables, keys and indexes of the Prisma schema', async () => {
      const models = parsePrismaSchema(await readFile(here('../../../crm-core/prisma/schema.prisma'), 'utf8'))
      const migrated = await withClient(async (client) => {
        await migrateSqlite(client)
        return await describeTables(client)
      })
      const expected: Record<string, unknown> = {}
      for (const model of models)
        expected[model.name] = {
          columns: model.columns.map((column) => [column.name, sqliteType(column), !column.optional]),
          primaryKey: model.primaryKey,
          uniques: model.uniques.map((columns) => columns.join()).sort(),
          indexes: model.indexes.map((columns) => columns.join()).sort(),
          foreignKeys: model.relations
            .filter(({ fields }) => fields.length > 0)
            .map((relation) => `${relation.fields.join()}>${relation.model}.${relation.references.join()}`)
            .sort(),
        }
      expect(migrated).toEqual(expected)
    })

    it('of MySQL are the tables of the schema too', async () => {
      const models = parsePrismaSchema(await readFile(here('../../../crm-core/prisma/schema.prisma'), 'utf8'))
      const migrations = await readMigrations(here('../../migrations/mysql/'))
      expect(migrations.map(({ name }) => name)).toEqual(
        (await readMigrations(SQLITE_MIGRATIONS)).map(({ name }) => name),
      )
      const statements = (sql: string) => sql.replace(/^--.*\n/gm, '').trim()
      // While there is one file, it is the schema; later files are compared by running them against a server.
      if (migrations.length === 1)
        expect(statements(migrations[0]!.sql)).toBe(statements(createStatements(models, 'mysql')))
    })

    it('that were released stay as they are', async () => {
      const digest = async (name: string) =>
        createHash('sha256')
          .update(await readFile(here(`../../migrations/${name}`)))
          .digest('hex')
      expect(await digest('sqlite/0001-core.sql')).toBe(
        '102094e627986c1adeee685932e1962fd6b556d1c2c90c071b573275a91d332c',
      )
      expect(await digest('mysql/0001-core.sql')).toBe(
        '20fede63a2b6bfe5cb6bfcf8807d5f68a3702495fcca84309b94dd842684d206',
      )
    })

    it('run once when several processes start at the same moment', async () => {
      const script = `const { openCrm } = await import(${JSON.stringify(here('./index.ts'))})
        const db = await openCrm({ url: 'file:' + process.argv[1] })
        await db.start(); await db.system.count('tenant'); await db.stop()`
      const starters = Array.from({ length: 4 }, () =>
        run(process.execPath, ['--input-type=module', '-e', script, file]),
      )
      await Promise.all(starters)
      const names = await withClient(async (client) => (await client.execute('SELECT "name" FROM "_migration"')).rows)
      expect(names.map(({ name }) => name)).toEqual((await readMigrations(SQLITE_MIGRATIONS)).map(({ name }) => name))
    })

    it('upgrade a database of the release before, and leave it as it was when one fails', async () => {
      const releases = path.join(folder, 'releases')
      await mkdir(releases)
      await copyFile(path.join(SQLITE_MIGRATIONS, '0001-core.sql'), path.join(releases, '0001-core.sql'))
      await withClient(async (client) => {
        expect(await migrateSqlite(client, releases)).toEqual(['0001-core.sql'])
        await client.execute(`INSERT INTO "Sequence" VALUES ('kept', 7)`)
        await writeFile(path.join(releases, '0002-more.sql'), 'ALTER TABLE "Tenant" ADD COLUMN "more" TEXT;\nBROKEN;')
        await expect(migrateSqlite(client, releases)).rejects.toMatchObject({ code: 'migration_failed' })
        const columns = async () => (await client.execute('PRAGMA table_info("Tenant")')).rows.map(({ name }) => name)
        expect(await columns()).not.toContain('more')
        await writeFile(path.join(releases, '0002-more.sql'), 'ALTER TABLE "Tenant" ADD COLUMN "more" TEXT;')
        expect(await migrateSqlite(client, releases)).toEqual(['0002-more.sql'])
        expect(await columns()).toContain('more')
        expect(await migrateSqlite(client, releases)).toEqual([])
        expect((await client.execute('SELECT "value" FROM "Sequence"')).rows[0]).toMatchObject({ value: 7 })
        await writeFile(path.join(releases, '0001-core.sql'), 'SELECT 1;')
        await expect(migrateSqlite(client, releases)).rejects.toMatchObject({ code: 'migration_changed' })
      })
      const db = await openCrm({ url: `file:${file}` })
      await expect(db.start()).rejects.toThrow(MigrationError)
    })
  })

  it('loses nothing that was committed, and keeps its chain whole, over kill -9', async () => {
    const script = `const { openCrm } = await import(${JSON.stringify(here('./index.ts'))})
      const db = await openCrm({ url: 'file:' + process.argv[1] })
      await db.start()
      const tenant = await db.system.transaction((tx) => tx.create('tenant', { name: 'T', status: 'active' }))
      console.log('tenant ' + tenant.id)
      const scoped = db.systemIn(tenant.id, 'test')
      for (let at = 0; ; at++) {
        await scoped.transaction(async (tx) => {
          const row = await tx.create('setting', { name: 's' + at, value: at })
          tx.emit({ type: 'record.changed', resource: 'site', id: row.name })
        })
        console.log('done s' + at)
      }`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('done s60')) child.kill('SIGKILL')
    })
    await once(child, 'close')
    const tenantId = /tenant (\S+)/.exec(output)![1]! as TenantId
    const acknowledged = [...output.matchAll(/done (s\d+)\n/g)].map((match) => match[1]!)
    const db = await openCrm({ url: `file:${file}` })
    await db.start()
    try {
      const crm = createCrm({ db, secret: 'x', publicUrl: 'http://helio.test' })
      const settings = new Set((await db.systemIn(tenantId, 'test').all('setting')).map(({ name }) => name))
      expect(acknowledged.filter((name) => !settings.has(name))).toEqual([])
      expect(acknowledged.length).toBeGreaterThanOrEqual(60)
      // Row, audit entry and event stand or fall together.
      const events = (await db.system.all('outbox')).map(({ payload }) => (JSON.parse(payload) as { id: string }).id)
      expect(new Set(events)).toEqual(settings)
      expect(await crm.audit.verify(tenantId)).toMatchObject({ ok: true, entries: settings.size + 1 })
    } finally {
      await db.stop()
    }
  })

  it('shows what was changed, taken out or cut off in the audit trail, and takes an erased person', async () => {
    const db = await openCrm({ url: `file:${file}` })
    await db.start()
    const crm = createCrm({ db, secret: 'x', publicUrl: 'http://helio.test' })
    const { tenantId, northern } = await seedCompany(db, 'tampered')
    const anchor = (await crm.audit.head(tenantId))!
    expect(await crm.audit.verify(tenantId, anchor)).toMatchObject({ ok: true, entries: anchor.seq, erased: 0 })
    expect(await crm.audit.erase(tenantId, 'customer', northern.customer.id)).toBe(1)
    expect(await crm.audit.verify(tenantId, anchor)).toMatchObject({ ok: true, entries: anchor.seq, erased: 1 })
    await db.stop()

    await withClient((client) => client.execute('PRAGMA wal_checkpoint(TRUNCATE)'))
    const original = file
    let copies = 0
    const tamper = async (sql: string): Promise<unknown> => {
      file = `${original}.${++copies}`
      await copyFile(original, file)
      await withClient((client) => client.execute({ sql, args: [tenantId] }))
      const again = await openCrm({ url: `file:${file}` })
      await again.start()
      const verdict = await createCrm({ db: again, secret: 'x', publicUrl: '' }).audit.verify(tenantId, anchor)
      await again.stop()
      return verdict.broken
    }
    const where = 'WHERE "tenantId" = ?1 AND "seq"'
    expect(await tamper(`UPDATE "Audit" SET "actorId" = 'somebody' ${where} = 5`)).toEqual({
      seq: 5,
      reason: 'changed',
    })
    expect(await tamper(`UPDATE "Audit" SET "at" = "at" + 1 ${where} = 5`)).toEqual({ seq: 5, reason: 'changed' })
    expect(await tamper(`UPDATE "Audit" SET "details" = '{}' ${where} = 6`)).toEqual({
      seq: 6,
      reason: 'details_changed',
    })
    expect(await tamper(`UPDATE "Audit" SET "salt" = NULL ${where} = 6`)).toEqual({ seq: 6, reason: 'details_changed' })
    expect(await tamper(`DELETE FROM "Audit" ${where} = 7`)).toEqual({ seq: 7, reason: 'missing' })
    expect(await tamper(`DELETE FROM "Audit" ${where} > 8`)).toEqual({ seq: 9, reason: 'cut_off' })
    expect(await tamper(`DELETE FROM "Audit" ${where} < 0`)).toBeUndefined()
  })

  it('is read by another process while one writes, each read of one moment', async () => {
    const db = await openCrm({ url: `file:${file}` })
    await db.start()
    const reader = await openCrmReader({ url: `file:${file}` })
    const { tenantId, northern } = await seedCompany(db, 'read')
    let writing = true
    const writes = (async () => {
      for (let at = 0; at < 40; at++)
        await db.systemIn(tenantId, 'test').transaction(async (tx) => {
          // The version of the snapshot names the site's name: torn reads would show.
          const [last] = await db.system.find('outbox', { orderBy: [['version', 'desc']], limit: 1 })
          await tx.update('site', northern.site.id, { name: `v${(last?.version ?? 0) + 1}` })
          tx.emit({ type: 'record.changed', resource: 'site', id: northern.site.id })
        })
      writing = false
    })()
    let reads = 0
    while (writing) {
      const { version, sites } = await reader.registry()
      if (version > 0) expect(sites.find(({ id }) => id === northern.site.id)?.name).toBe(`v${version}`)
      reads++
      await new Promise((resolve) => setImmediate(resolve))
    }
    await writes
    expect(reads).toBeGreaterThan(10)
    await reader.stop()
    await db.stop()
  })

  it('is copied whole while it is written to', async () => {
    const db = await openCrm({ url: `file:${file}` })
    await db.start()
    const { tenantId } = await seedCompany(db, 'copied')
    const writes = Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        db.systemIn(tenantId, 'test').transaction((tx) => tx.create('setting', { name: `s${at}`, value: at })),
      ),
    )
    await backupCrm({ url: `file:${file}` }, `${file}.copy`)
    await writes
    await db.stop()
    await expect(backupCrm({ url: `file:${file}` }, `${file}.copy`)).rejects.toThrow()
    const copy = await openCrm({ url: `file:${file}.copy` })
    await copy.start()
    const crm = createCrm({ db: copy, secret: 'x', publicUrl: '' })
    expect(await crm.audit.verify(tenantId)).toMatchObject({ ok: true })
    expect(await copy.system.count('site')).toBe(2)
    await copy.stop()
  })

  it('says "unavailable" when the disk takes no more, and loses nothing of what it took', async () => {
    const script = `const { openCrm } = await import(${JSON.stringify(here('./index.ts'))})
      const db = await openCrm({ url: 'file:' + process.argv[1] })
      await db.start()
      const tenant = await db.system.transaction((tx) => tx.create('tenant', { name: 'T', status: 'active' }))
      const scoped = db.systemIn(tenant.id, 'test')
      const fill = (name) => scoped.transaction((tx) => tx.create('setting', { name, value: 'x'.repeat(20000) }))
      let written = 0, code
      while (code === undefined) await fill('s' + written).then(() => written++, (error) => { code = error.code ?? 'none' })
      const again = await fill('again').catch((error) => error.code)
      console.log(JSON.stringify({ code, again, written, read: await scoped.count('setting') }))`
    // A limit on file size stands in for a full disk: writes beyond it fail the same way, and it needs no root.
    const shell = `trap '' XFSZ; ulimit -f 3000; exec "$0" --input-type=module -e "$1" "$2"`
    const { stdout } = await run('bash', ['-c', shell, process.execPath, script, file])
    const { code, again, written, read } = JSON.parse(stdout) as Record<string, number | string>
    expect({ code, again }).toEqual({ code: 'unavailable', again: 'unavailable' })
    expect(read).toBe(written)
    expect(written).toBeGreaterThan(5)
  })

  it('writes what was accepted before it stops', async () => {
    const db = await openCrm({ url: `file:${file}` })
    await db.start()
    const accepted = Array.from({ length: 30 }, (_, at) =>
      db.system.transaction((tx) => tx.create('tenant', { name: `t${at}`, status: 'active' })),
    )
    const stopped = db.stop()
    await expect(db.system.transaction((tx) => tx.next('late'))).rejects.toMatchObject({ code: 'unavailable' })
    await Promise.all([...accepted, stopped])
    await db.start()
    expect(await db.system.count('tenant')).toBe(30)
    await db.stop()
  })

  it('goes on after a commit that failed', async () => {
    await withClient(async (client) => {
      await client.execute('CREATE TABLE p (id INTEGER PRIMARY KEY)')
      await client.execute('CREATE TABLE c (p REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)')
      const failing = await beginWriting(client)
      await failing.execute('INSERT INTO c VALUES (1)')
      await expect(failing.commit()).rejects.toThrow(/FOREIGN KEY/)
      const next = await beginWriting(client)
      await next.execute('INSERT INTO p VALUES (2)')
      await next.commit()
      expect(
        (await client.execute('SELECT (SELECT count(*) FROM p) AS p, (SELECT count(*) FROM c) AS c')).rows[0],
      ).toMatchObject({ p: 1, c: 0 })
    })
  })

  it('refuses what is no database and what is not started', async () => {
    await expect(openCrmReader({ url: `file:${folder}/missing.sqlite` })).rejects.toThrow()
    await expect(openCrmReader({ url: 'mysql://x' })).rejects.toThrow(/HELIO_CRM_URL/)
    const db = await openCrm({ url: `file:${file}` })
    await expect(db.system.count('tenant')).rejects.toMatchObject({ code: 'unavailable' })
    expect(await db.health()).toMatchObject({ ok: false })
    await db.start()
    expect(await db.health()).toEqual({ ok: true })
    expect(await db.as(systemCaller('x')).count('tenant')).toBe(0)
    await db.stop()
  })
})

async function describeTables(client: Client): Promise<Record<string, unknown>> {
  const rows = async (sql: string) => (await client.execute(sql)).rows as unknown as Record<string, string | number>[]
  const tables: Record<string, unknown> = {}
  const names = await rows(
    `SELECT "name" FROM "sqlite_master" WHERE "type" = 'table' AND "name" NOT LIKE '\\_%' ESCAPE '\\'`,
  )
  for (const { name } of names) {
    const columns = await rows(`PRAGMA table_info("${name}")`)
    const indexes = (await rows(`PRAGMA index_list("${name}")`)).filter(({ origin }) => origin === 'c')
    const lists: { unique: boolean; columns: string }[] = []
    for (const index of indexes) {
      const parts = await rows(`PRAGMA index_info("${index.name}")`)
      lists.push({ unique: index.unique === 1, columns: parts.map((part) => part.name).join() })
    }
    const keys = await rows(`PRAGMA foreign_key_list("${name}")`)
    tables[name as string] = {
      columns: columns.map((column) => [column.name, column.type, column.notnull === 1]),
      primaryKey: columns
        .filter(({ pk }) => (pk as number) > 0)
        .sort((a, b) => (a.pk as number) - (b.pk as number))
        .map((column) => column.name),
      uniques: lists
        .filter(({ unique }) => unique)
        .map((each) => each.columns)
        .sort(),
      indexes: lists
        .filter(({ unique }) => !unique)
        .map((each) => each.columns)
        .sort(),
      foreignKeys: keys.map((key) => `${key.from}>${key.table}.${key.to}`).sort(),
    }
  }
  return tables
}
