import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needService, needTool, ownService } from '../../services/for-tests.ts'
import { type Authority, createAuthority } from '../process/authority.fixture.ts'
import { openCrm, openCrmReader } from './index.ts'
import { mysqlAddress } from './mysql-address.ts'
import { checkMysql, openMysql } from './mysql-connection.ts'
import { describeSlowReplica } from './mysql-replica.suite.ts'
import { describeMysqlServer } from './mysql-server.suite.ts'

describeMysqlServer('MySQL', (await needService('mysql')).url(), () => ownService('mysql'))

const plugins = `--plugin-dir=${join(await needTool('mysql'), 'root/usr/lib/mysql/plugin')}`
describeSlowReplica('MySQL', (args) => ownService('mysql', [...args, plugins]), {
  source: ["INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'"],
  replica: ["INSTALL PLUGIN rpl_semi_sync_replica SONAME 'semisync_replica.so'"],
  position: 'SHOW BINARY LOG STATUS',
  follow: ({ port, user, password, file, position }) =>
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ${port}, SOURCE_USER = '${user}', SOURCE_PASSWORD = '${password}', SOURCE_LOG_FILE = '${file}', SOURCE_LOG_POS = ${position}, SOURCE_CONNECT_RETRY = 1, GET_SOURCE_PUBLIC_KEY = 1`,
  enable: 'SET GLOBAL rpl_semi_sync_replica_enabled = 1',
  start: 'START REPLICA',
  stop: 'STOP REPLICA',
  semiSync: 'rpl_semi_sync_source',
})

describe('MySQL over TLS', () => {
  let server: Awaited<ReturnType<typeof ownService>>
  let authority: Authority
  beforeAll(async () => {
    server = await ownService('mysql')
    authority = createAuthority(server.dataDir)
  }, 120_000)
  afterAll(() => server?.remove())

  /** Signed by the authority, taken up by the running server. */
  async function certify(host: string): Promise<void> {
    const { key, cert } = authority.certify('server', [host])
    const admin = await openMysql(mysqlAddress(server.url()))
    await admin.query('SET GLOBAL ssl_ca = ?, ssl_cert = ?, ssl_key = ?', [authority.file, cert, key])
    await admin.query('ALTER INSTANCE RELOAD TLS')
    admin.destroy()
  }
  function over(query: Record<string, string>, host = 'localhost'): string {
    const url = new URL(server.url())
    url.hostname = host
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    return url.href
  }

  it('reads and writes where the certificate is of a known authority and for the host', async () => {
    await certify('localhost')
    const url = over({ ca: authority.file })
    await checkMysql(url)
    const db = await openCrm({ url })
    await db.start()
    const reader = await openCrmReader({ url })
    expect(await db.system.transaction((tx) => tx.next('tls'))).toBe(1)
    expect((await reader.registry()).sites).toEqual([])
    const connection = await openMysql(mysqlAddress(url))
    const [rows] = await connection.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    expect((rows as { Value: string }[])[0]!.Value).not.toBe('')
    connection.destroy()
    await reader.stop()
    await db.stop()
  })

  it.each([
    ['of an authority that nobody knows', 'localhost', false, 'cannot be trusted'],
    ['for another host', 'database.example', true, 'its certificate is for another host name'],
  ])('sends no password to a server whose certificate is %s', async (_, host, isAuthorityKnown, said) => {
    await certify(host)
    const url = over({ tls: 'required', ...(isAuthorityKnown && { ca: authority.file }) })
    await expect(checkMysql(url)).rejects.toThrow(said)
    // The other driver, that of Prisma.
    const db = await openCrm({ url })
    await expect(db.start()).rejects.toThrow()
    await db.stop()
  })

  it('takes any certificate where that is asked for', async () => {
    await certify('database.example')
    await checkMysql(over({ tls: 'unverified' }, '127.0.0.1'))
    const db = await openCrm({ url: over({ tls: 'unverified' }, '127.0.0.1') })
    await db.start()
    expect(await db.system.count('tenant')).toBe(0)
    await db.stop()
  })
})
