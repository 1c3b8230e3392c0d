import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needService, ownService } from '../../services/for-tests.ts'
import { openCrm, openCrmReader } from './index.ts'
import { mysqlAddress } from './mysql-address.ts'
import { checkMysql, openMysql } from './mysql-connection.ts'
import { describeMysqlServer } from './mysql-server.suite.ts'

describeMysqlServer('MySQL', (await needService('mysql')).url(), () => ownService('mysql'))

describe('MySQL over TLS', () => {
  let server: Awaited<ReturnType<typeof ownService>>
  let authority: string
  beforeAll(async () => {
    server = await ownService('mysql')
    authority = join(server.dataDir, 'authority.pem')
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=authority',
      ...files('authority'),
    )
  }, 120_000)
  afterAll(() => server?.remove())

  const file = (name: string): string => join(server.dataDir, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
  const files = (name: string): string[] => ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)]

  /** Signed by the authority, taken up by the running server. */
  async function certify(host: string): Promise<void> {
    const [request, names] = [file('server.csr'), file('names')]
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      `/CN=${host}`,
      '-keyout',
      file('server.key'),
      '-out',
      request,
    )
    writeFileSync(names, `subjectAltName=DNS:${host}`)
    openssl(
      ...['x509', '-req', '-in', request, '-days', '2', '-extfile', names, '-CAcreateserial'],
      ...['-CA', authority, '-CAkey', file('authority.key'), '-out', file('server.pem')],
    )
    const admin = await openMysql(mysqlAddress(server.url()))
    await admin.query('SET GLOBAL ssl_ca = ?, ssl_cert = ?, ssl_key = ?', [
      authority,
      file('server.pem'),
      file('server.key'),
    ])
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
    const url = over({ ca: authority })
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
    const url = over({ tls: 'required', ...(isAuthorityKnown && { ca: authority }) })
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
