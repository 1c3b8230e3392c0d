/**
 * The CRM on MySQL against bare `mysql2` with the same SQL on the same rows: one row by its key, and a page of a list. Rights and
 * tenancy are in ours alone. `node infra/bench/mysql.ts [reads] [rounds] [mysql|mariadb]`
 */
import { createPool, type RowDataPacket } from 'mysql2/promise'
import { seedCompany } from '../src/crm/crm-fixture.ts'
import { openCrm } from '../src/crm/index.ts'
import { mysqlAddress } from '../src/crm/mysql-address.ts'
import { mysqlOptions } from '../src/crm/mysql-connection.ts'
import { createTestDatabases } from '../src/crm/mysql-databases.ts'
import { needService } from '../services/for-tests.ts'
import { check, compare, perSecond, tell } from './measure.ts'

const READS = Number(process.argv[2] ?? 4_000)
const ROUNDS = Number(process.argv[3] ?? 5)
const engine = process.argv[4] ?? 'mysql'
/** At once, as in a process under load; as many connections have both. */
const AT_ONCE = 8
const SITES = 2_000
const PAGE = 50

const databases = createTestDatabases((await needService(engine)).url())
const database = await databases.openEmpty()
const db = await openCrm({ url: database.url })
const pool = createPool({ ...mysqlOptions(mysqlAddress(database.url)), connectionLimit: AT_ONCE })
try {
  await db.start()
  const { tenantId, northern } = await seedCompany(db, 'bench')
  const scoped = db.systemIn(tenantId, 'bench')
  const { id: _id, tenantId: _tenant, version: _version, createdAt: _c, updatedAt: _u, ...site } = northern.site
  await scoped.transaction(async (tx) => {
    await tx.createMany(
      'site',
      Array.from({ length: SITES }, (_, at) => ({ ...site, name: `Site ${String(at).padStart(5, '0')}` })),
    )
  })
  const ids = (await scoped.find('site', { limit: 1_000 })).map(({ id }) => id)

  const many = (count: number, read: (at: number) => Promise<void>) => async (): Promise<number> =>
    await perSecond(count, async () => {
      let next = 0
      const reader = async (): Promise<void> => {
        while (next < count) await read(next++)
      }
      await Promise.all(Array.from({ length: AT_ONCE }, reader))
    })
  const bare = async (sql: string, values: (string | number)[]): Promise<RowDataPacket[]> =>
    (await pool.execute<RowDataPacket[]>(sql, values))[0]

  tell([
    await compare(
      { name: `${engine}: one row by its key, against bare mysql2`, unit: 'reads/s', rounds: ROUNDS, least: 0.5 },
      many(READS, async (at) => {
        const id = ids[at % ids.length]!
        if ((await scoped.get('site', id)).id !== id) throw new Error('another row')
      }),
      many(READS, async (at) => {
        const id = ids[at % ids.length]!
        const [row] = await bare('SELECT * FROM `Site` WHERE `id` = ? AND `tenantId` = ? LIMIT 1', [id, tenantId])
        if (row?.['id'] !== id) throw new Error('another row')
      }),
    ),
    await compare(
      { name: `${engine}: a page of 50 rows, against bare mysql2`, unit: 'pages/s', rounds: ROUNDS, least: 0.6 },
      many(READS / 8, async () => {
        check('rows', (await scoped.page('site', { orderBy: [['name', 'asc']], limit: PAGE })).items.length, PAGE)
      }),
      many(READS / 8, async () => {
        const sql = `SELECT * FROM \`Site\` WHERE \`tenantId\` = ? ORDER BY \`name\` ASC, \`id\` ASC LIMIT ${PAGE + 1}`
        check('rows', (await bare(sql, [tenantId])).length, PAGE + 1)
      }),
    ),
  ])
} finally {
  await pool.end()
  await db.stop()
  await database.remove()
  await databases.end()
}
