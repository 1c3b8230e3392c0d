/** The adapter as it meets a server: over HTTP with user, password and a database of its own. The engine behind is the embedded one. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql } from '@heliograph/crm-core'
import { freePort } from '../process/free-port.ts'
import { PASSWORD, startTestClickhouse, USER, type TestClickhouse } from './clickhouse-server.fixture.ts'
import { checkClickhouse, clickhouseOptions } from './clickhouse-url.ts'
import { createClickhouseWarehouse } from './clickhouse.ts'
import { describeWarehouse } from './warehouse.conformance.ts'

describeWarehouse('a server over HTTP', async () => {
  const server = await startTestClickhouse()
  const open = () => createClickhouseWarehouse(clickhouseOptions(server.url('solar')))
  return { warehouse: open(), another: open, kill: server.kill, revive: server.revive, stop: server.stop }
})

describe('a ClickHouse server by its URL', () => {
  let server: TestClickhouse
  beforeAll(async () => {
    server = await startTestClickhouse({ tls: true })
  })
  afterAll(() => server.stop())
  const fault = (url: string) =>
    checkClickhouse(url).then(
      () => 'fine',
      (error: Error) => error.message,
    )

  it('is read into address, user, password and database', () => {
    expect(clickhouseOptions('clickhouse://me:s%40fe@ch.test')).toEqual({
      url: 'http://ch.test:8123',
      username: 'me',
      password: 's@fe',
      database: 'heliograph',
    })
    expect(clickhouseOptions('clickhouses://ch.test/solar')).toMatchObject({
      url: 'https://ch.test:8443',
      username: 'default',
      password: '',
      database: 'solar',
    })
    expect(() => clickhouseOptions('clickhouse://ch.test/a-b')).toThrow('HELIO_WAREHOUSE_URL: "a-b" is no name')
    expect(() => clickhouseOptions('clickhouse://ch.test?secure=1')).toThrow('knows no secure=')
  })

  it('is spoken to over TLS by who trusts its authority', async () => {
    const script = `const [url] = process.argv.slice(1)
      const { checkClickhouse, clickhouseOptions } = await import(${JSON.stringify(new URL('./clickhouse-url.ts', import.meta.url).href)})
      const { createClickhouseWarehouse } = await import(${JSON.stringify(new URL('./clickhouse.ts', import.meta.url).href)})
      await checkClickhouse(url)
      const warehouse = createClickhouseWarehouse(clickhouseOptions(url))
      await warehouse.start()
      const rows = await warehouse.query({ text: 'SELECT currentDatabase() AS name' }, { scope: 'system', lane: 'light' })
      await warehouse.stop()
      console.log(JSON.stringify(rows))`
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', script, server.url('over_tls')],
      {
        env: { ...process.env, NODE_EXTRA_CA_CERTS: server.certificate },
      },
    )
    expect(JSON.parse(stdout)).toEqual([{ name: 'over_tls' }])
  })

  it('is refused at start with one line that names the setting', async () => {
    const plain = await startTestClickhouse()
    const nobody = await freePort()
    const at = `127.0.0.1:${plain.port}`
    try {
      expect(await fault(plain.url())).toBe('fine')
      for (const [url, said] of [
        [`clickhouse://${USER}:wr0ng@${at}`, `${at} refuses user name or password`],
        [`clickhouse://${USER}:x@127.0.0.1:${nobody}`, `nothing listens on 127.0.0.1:${nobody}`],
        ['clickhouse://no-such-host.invalid', 'there is no host for no-such-host.invalid:8123'],
        [`clickhouses://${USER}:x@${at}`, `${at} does not speak TLS as asked`],
        [server.url(), 'cannot be trusted: its certificate is signed by itself'],
      ] as const) {
        const told = await fault(url)
        expect(told).toMatch(/^HELIO_WAREHOUSE_URL: [^\n]+$/)
        expect(told).toContain(said)
        for (const secret of ['wr0ng', PASSWORD]) expect(told).not.toContain(secret)
      }
    } finally {
      await plain.stop()
    }
  })

  it.each([
    ['one that is too old', '{"version":"23.8.16.40"}\n', 'is ClickHouse 23.8.16.40; 25.8 is the oldest that serves'],
    ['something else that answers', '<html>It works!</html>', 'does not answer as ClickHouse does'],
  ])('is refused at start where it is of %s', async (_what, answer, said) => {
    const other = createServer((_request, response) => response.end(answer)).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const told = await fault(`clickhouse://127.0.0.1:${(other.address() as AddressInfo).port}`)
    other.close()
    expect(told).toMatch(/^HELIO_WAREHOUSE_URL: [^\n]+$/)
    expect(told).toContain(said)
  })

  it('is unavailable, not wrong, while it is down', async () => {
    const plain = await startTestClickhouse()
    const warehouse = createClickhouseWarehouse(clickhouseOptions(plain.url()))
    await warehouse.start()
    await plain.kill()
    expect(await warehouse.health()).toMatchObject({ ok: false })
    await expect(warehouse.query(sql`SELECT 1 AS one`, { scope: 'system', lane: 'light' })).rejects.toMatchObject({
      code: 'warehouse_unavailable',
    })
    await plain.revive()
    expect(await warehouse.query(sql`SELECT 1 AS one`, { scope: 'system', lane: 'light' })).toEqual([{ one: 1 }])
    await warehouse.stop()
    await plain.stop()
  })
})
