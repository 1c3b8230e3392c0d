/**
 * The line with every engine over TLS, whose certificates are signed by an authority of the company's own: all of it works where
 * that authority is named, and where another one is, the start says so of each engine by its setting.
 */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectPlain, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { createServer } from 'node:tls'
import { Redis } from 'ioredis'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needService, ownService } from '../../services/for-tests.ts'
import { SERVICE_PASSWORD, SERVICE_USER } from '../../services/service.ts'
import { mysqlAddress } from '../../src/crm/mysql-address.ts'
import { openMysql } from '../../src/crm/mysql-connection.ts'
import { createTestMailServer } from '../../src/messages/smtp-server.fixture.ts'
import { type Authority, type Certified, createAuthority } from '../../src/process/authority.fixture.ts'
import { freePort } from '../../src/process/free-port.ts'
import { makeBucket } from './bucket.ts'
import { claimed } from './claimed.ts'
import { ADMIN, Instance } from './instance.ts'
import { until } from './until.ts'

const minio = new URL((await needService('minio')).url())
const influx = new URL((await needService('influxdb')).url())

describe('every engine over TLS', { timeout: 300_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'helio-tls-'))
  const ends: (() => unknown)[] = []
  let ours: Authority
  let strangers: Authority
  let certified: Certified
  let addresses: (authority: Authority) => Record<string, string>

  beforeAll(async () => {
    ours = createAuthority(dir, 'ours')
    strangers = createAuthority(dir, 'strangers')
    certified = ours.certify('localhost', ['localhost', '127.0.0.1'])
    const [kafka, mysql, redis] = await Promise.all([ownService('kafka'), ownService('mysql'), ownService('redis')])
    ends.push(...[kafka, mysql, redis].map((own) => () => own.remove()))
    const name = `tls-${randomUUID().slice(0, 8)}`
    const [mysqlUrl, redisPort, mailPort, bucket] = await Promise.all([
      overTls(mysql.url()),
      redisOverTls(redis.url()),
      mailOverTls(),
      makeBucket(minio.href, name),
      kafkaOverTls(kafka.url()),
    ])
    const [minioFront, influxFront] = await Promise.all([front(minio), front(influx)])
    const series = new URL(influx)
    series.host = `localhost:${influxFront}`
    series.pathname = `/heliograph/${name}`
    const files = new URL(bucket)
    files.host = `localhost:${minioFront}`
    addresses = (authority) => ({
      NODE_EXTRA_CA_CERTS: authority.file,
      HELIO_LOG_URL: `kafka://${SERVICE_USER}:${SERVICE_PASSWORD}@localhost:${kafka.port('tls')}/${name}?partitions=1&ca=${authority.file}`,
      HELIO_CRM_URL: `${mysqlUrl}?ca=${authority.file}`,
      HELIO_LIVE_URL: `rediss://localhost:${redisPort}`,
      HELIO_SERIES_URL: `${series.href}?tls=on`,
      HELIO_FILES_URL: `${files.href}?tls=required`,
      HELIO_MAIL_URL: `smtps://localhost:${mailPort}?from=alerts@helio.test`,
    })
  }, 180_000)
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
    rmSync(dir, { recursive: true, force: true })
  })

  async function overTls(url: string): Promise<string> {
    const admin = await openMysql(mysqlAddress(url))
    await admin.query('SET GLOBAL ssl_ca = ?, ssl_cert = ?, ssl_key = ?', [ours.file, certified.cert, certified.key])
    await admin.query('ALTER INSTANCE RELOAD TLS')
    admin.destroy()
    return url.replace('127.0.0.1', 'localhost')
  }
  async function redisOverTls(url: string): Promise<number> {
    const port = await freePort()
    const admin = new Redis(url)
    await admin.config('SET', 'tls-cert-file', certified.cert, 'tls-key-file', certified.key)
    await admin.config('SET', 'tls-auth-clients', 'no')
    await admin.config('SET', 'tls-ca-cert-file', ours.file)
    await admin.config('SET', 'tls-port', String(port))
    admin.disconnect()
    return port
  }
  /** Its own certificate is signed by nobody: replaced while it runs. */
  async function kafkaOverTls(url: string): Promise<void> {
    const store = join(dir, 'kafka.p12')
    execFileSync('openssl', [
      ...['pkcs12', '-export', '-in', certified.cert, '-inkey', certified.key, '-certfile', ours.file],
      ...['-name', 'kafka', '-out', store, '-passout', `pass:${SERVICE_PASSWORD}`],
    ])
    const admin = new kafkajs.Kafka({ brokers: [new URL(url).host], logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
    const setting = (key: string, value: string) => ({ name: `listener.name.tls.ssl.${key}`, value })
    const configEntries = [
      setting('keystore.location', store),
      setting('keystore.type', 'PKCS12'),
      setting('keystore.password', SERVICE_PASSWORD),
      setting('key.password', SERVICE_PASSWORD),
    ]
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: 4, name: '1', configEntries }] })
    await admin.disconnect()
  }
  async function mailOverTls(): Promise<number> {
    const server = await createTestMailServer({
      key: readFileSync(certified.key),
      cert: readFileSync(certified.cert),
      secure: true,
    })
    await server.up()
    ends.push(() => server.down())
    return server.port
  }
  /** TLS before an engine that speaks none here, as a proxy of a company does it. */
  async function front({ hostname, port }: URL): Promise<number> {
    const server = createServer({ key: readFileSync(certified.key), cert: readFileSync(certified.cert) }, (socket) => {
      const inner = connectPlain(Number(port), hostname)
      pipeline(socket, inner, () => undefined)
      pipeline(inner, socket, () => undefined)
    })
    server.on('tlsClientError', () => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ends.push(() => server.close())
    return (server.address() as AddressInfo).port
  }

  it('works, from the device to the page, where its authority is named', async () => {
    const instance = await Instance.start({ env: addresses(ours) })
    try {
      const api = await instance.api(ADMIN)
      const connection = await api.connection()
      const deviceId = await claimed(instance, api, { connection, siteId: await api.site() }, 'by TLS')
      const now = Date.now()
      expect(await api.readings(deviceId, now - 2 * 86_400_000, now)).toHaveLength(1)
      await until('everything ready', async () => (await api.ready()).status === 'ready')
      await api.drained()
    } finally {
      await instance.remove()
    }
  })

  it('is refused at start where another authority is named, one line for each engine', async () => {
    const env = addresses(strangers)
    const instance = await Instance.create({ env })
    const { code, output } = await instance.run()
    await instance.remove()
    expect(code, output).toBe(1)
    const lines = output.split('\n').filter((line) => line.startsWith('HELIO_'))
    const settings = Object.keys(env).filter((name) => name.startsWith('HELIO_'))
    expect(lines.map((line) => line.split(':')[0]).sort()).toEqual(settings.sort())
    for (const line of lines)
      expect(line).toMatch(
        /^HELIO_\w+: localhost:\d+ cannot be trusted: .*an authority that this machine does not know; .*name/,
      )
  })
})
