/** Chapter 18: a company's own broker. We subscribe to it; what it was told is here, and it is told so when it is on disk. */
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import type { Connection } from '@heliograph/crm-core/contracts'
import { Aedes } from 'aedes'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api } from './api.ts'
import { expectConserved } from './conserved.ts'
import { Instance } from './instance.ts'
import { Load, native, publish } from './sender.ts'
import { until } from './until.ts'

const LOGIN = { username: 'heliograph', password: 'a-password-of-the-broker' }
/** The promise is a second or so; a busy machine gets ten. */
const SOON_MS = 10_000

/** A broker as a company has one: it knows two logins, keeps sessions, and one part of its topics is nobody's to read. */
async function startBroker(): Promise<{ port: number; aedes: Aedes; stop(): Promise<void> }> {
  const aedes = await Aedes.createBroker({
    authenticate: (_client, user, password, done) =>
      done(null, password?.toString() === LOGIN.password && (user === LOGIN.username || user === 'logger')),
    authorizeSubscribe: (_client, subscription, done) =>
      done(null, subscription.topic.startsWith('closed/') ? null : subscription),
  })
  const server: Server = createServer((socket) => void aedes.handle(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    aedes,
    async stop() {
      await new Promise<void>((resolve) => aedes.close(() => resolve()))
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe('a broker of their own', { timeout: 400_000 }, () => {
  let broker: Awaited<ReturnType<typeof startBroker>>
  let instance: Instance
  let api: Api
  let siteId: string
  let url: string
  let logger: MqttClient
  const made: string[] = []

  beforeAll(async () => {
    broker = await startBroker()
    url = `mqtt://127.0.0.1:${broker.port}`
    instance = await Instance.start({ env: { HELIO_BROKER_HOSTS: 'public,loopback' } })
    api = await instance.api()
    siteId = await api.site()
    logger = await mqtt.connectAsync(url, { username: 'logger', password: LOGIN.password, protocolVersion: 4 })
  })
  afterAll(async () => {
    await logger.endAsync(true)
    await instance.remove()
    await broker.stop()
  })

  async function connectionTo(changes: object = {}): Promise<Connection> {
    const body = {
      name: 'Our broker',
      transport: 'broker',
      vendor: 'native',
      broker: { url, ...LOGIN, topics: ['readings'], ...changes },
    }
    const answer = await api.post<Connection & { secret: string | null }>('/connections', body)
    expect(answer.secret).toBeNull()
    made.push(answer.id)
    return answer
  }
  const get = (id: string) => api.get<Connection>(`/connections/${id}`)
  const inState = (id: string, state: string) =>
    until(`${state}`, async () => ((await get(id)).broker?.status.state === state ? await get(id) : undefined), SOON_MS)

  it('is subscribed to; what it sends is unclaimed, claimed, and a row', async () => {
    const connection = await connectionTo()
    const { broker: told } = await inState(connection.id, 'connected')
    // It knows 3.1.1 alone, and was asked for the newest.
    expect(told).toMatchObject({ url, username: LOGIN.username, hasPassword: true, version: 'auto' })
    expect(told!.status).toMatchObject({ message: null, version: '3.1.1' })
    const ts = Date.now() - 60_000
    await publish(logger, native('first', ts, { ac_power_w: 4_321 }))
    const item = await api.unclaimed(connection.id, 'first')
    const deviceId = await api.claim(item, siteId)
    await until('the row', async () => (await api.readings(deviceId, ts, ts + 1)).length === 1)
    expect(await api.readings(deviceId, ts, ts + 1)).toMatchObject([{ metrics: { ac_power_w: 4_321 } }])
    const { items } = await api.get<{ items: { transport: string; topic: string; outcome: string }[] }>(
      `/connections/${connection.id}/messages`,
    )
    expect(items).toMatchObject([{ transport: 'broker', topic: 'readings', outcome: 'stored' }])
    // What nobody understands is a dead letter of it, as of any other.
    await publish(logger, 'no JSON')
    await until('the dead letter', async () =>
      (await api.all<{ connectionId: string }>('/dead-letters')).some(
        (letter) => letter.connectionId === connection.id,
      ),
    )
    const metrics = await api.metrics()
    expect(metrics.sum('helio_ingest_acknowledged_messages_total', { transport: 'broker' })).toBe(2)
    expect(metrics.sum('helio_broker_connections', { state: 'connected' })).toBe(1)
    await api.remove(`/connections/${connection.id}`)
  })

  it('says in plain words what is wrong, and works when it is put right', async () => {
    const connection = await connectionTo({ password: 'wrong-password-entered' })
    const { broker: told } = await inState(connection.id, 'failed')
    expect(told!.status).toMatchObject({ code: 'credentials' })
    expect(told!.status.message).toMatch(/user name or (the )?password/)
    await api.patch(`/connections/${connection.id}`, { broker: { password: LOGIN.password, topics: ['closed/a'] } })
    await until(
      'the refused filter',
      async () => (await get(connection.id)).broker?.status.code === 'filter-refused',
      SOON_MS,
    )
    await api.patch(`/connections/${connection.id}`, { broker: { topics: ['readings'] } })
    await inState(connection.id, 'connected')
    await api.remove(`/connections/${connection.id}`)
  })

  it(
    'loses nothing that it acknowledged when our process is killed, and nothing is there twice',
    { retry: 0 },
    async () => {
      const connection = await connectionTo({ topics: ['+'] })
      await inState(connection.id, 'connected')
      await publish(logger, native('steady', Date.now() - 86_400_000, { ac_power_w: 1 }))
      const deviceId = await api.claim(await api.unclaimed(connection.id, 'steady'), siteId)
      const load = new Load({
        instance: { mqttUrl: url } as Instance,
        connection: { username: 'logger', secret: LOGIN.password },
        device: 'steady',
        firstTs: Date.now() - 3_600_000,
      }).start()
      await until('a load', () => load.acknowledged.size > 200)
      await instance.killPart('edge')
      const killed = load.acknowledged.size
      await until('more of it', () => load.acknowledged.size > killed + 500)
      await inState(connection.id, 'connected')
      await instance.killPart('edge')
      await load.stop()
      await inState(connection.id, 'connected')
      await until(
        'the rest',
        async () => {
          await api.drained()
          const found = new Set(
            (await api.readings(deviceId, load.range.from, load.range.to)).map(({ ts }) => Date.parse(ts)),
          )
          return [...load.acknowledged].every((ts) => found.has(ts))
        },
        120_000,
      )
      expectConserved(load, await api.readings(deviceId, load.range.from, load.range.to))
      await api.remove(`/connections/${connection.id}`)
    },
  )

  it('may repeat what it retains: old values without a time of their own are no values of now', async () => {
    const ts = Date.now() - 7_200_000
    await logger.publishAsync('kept/timed', native('timed', ts, { ac_power_w: 5 }), { qos: 1, retain: true })
    await logger.publishAsync('kept/bare', JSON.stringify({ device: 'bare', metrics: { ac_power_w: 6 } }), {
      qos: 1,
      retain: true,
    })
    const connection = await connectionTo({ topics: ['kept/+'] })
    const deviceId = await api.claim(await api.unclaimed(connection.id, 'timed'), siteId)
    await inState(connection.id, 'connected')
    await instance.killPart('edge')
    await until('both once more', async () => {
      const { items } = await api.get<{ items: unknown[] }>(`/connections/${connection.id}/messages`)
      return items.length >= 4
    })
    await api.drained()
    expect(await api.readings(deviceId, ts - 1, Date.now() + 60_000)).toHaveLength(1)
    const waiting = await api.all<{ externalId: string }>(`/unclaimed?connectionId=${connection.id}`)
    expect(waiting.filter(({ externalId }) => externalId === 'bare')).toEqual([])
    await api.remove(`/connections/${connection.id}`)
  })

  it('is left when its connection is revoked, and keeps nothing for us', async () => {
    const connection = await connectionTo()
    await inState(connection.id, 'connected')
    const ours = () =>
      Object.keys((broker.aedes as unknown as { clients: Record<string, unknown> }).clients).filter((id) =>
        id.startsWith('helio-'),
      )
    expect(ours()).toEqual([`helio-${connection.username}`])
    const revoked = Date.now()
    await api.remove(`/connections/${connection.id}`)
    await until('its end', () => ours().length === 0, SOON_MS)
    expect(Date.now() - revoked).toBeLessThan(SOON_MS)
    await publish(logger, native('late', Date.now(), { ac_power_w: 1 }))
    await api.drained()
    expect(
      (await api.all<{ externalId: string }>('/unclaimed')).filter(({ externalId }) => externalId === 'late'),
    ).toEqual([])
  })

  it('is nobody else’s', async () => {
    const connection = await connectionTo()
    await inState(connection.id, 'connected')
    await publish(logger, native('ours', Date.now(), { ac_power_w: 1 }))
    await api.unclaimed(connection.id, 'ours')
    const neighbourLogin = { email: 'admin@next-door.test', password: 'correct-horse-battery' }
    await api.post('/tenants', {
      name: 'Next door',
      adminEmail: neighbourLogin.email,
      adminPassword: neighbourLogin.password,
    })
    const neighbour = await instance.api(neighbourLogin)
    expect(await neighbour.all('/connections')).toEqual([])
    expect(await neighbour.all('/unclaimed')).toEqual([])
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['GET', '/messages', undefined],
      ['PATCH', '', { broker: { topics: ['#'] } }],
      ['DELETE', '', undefined],
    ] as const)
      expect((await neighbour.ask(method, `/connections/${connection.id}${path}`, body)).status).toBe(404)
  })

  it('has its password known to nobody', async () => {
    const said = [
      instance.output,
      JSON.stringify(await api.all('/connections?revoked=true')),
      JSON.stringify(await api.all('/audit')),
    ]
    for (const id of made) said.push(JSON.stringify((await api.ask('GET', `/connections/${id}`)).body))
    for (const name of ['crm.sqlite', 'crm.sqlite-wal']) said.push(readFileSync(join(instance.dataDir, name), 'latin1'))
    for (const text of said) {
      expect(text).not.toContain(LOGIN.password)
      expect(text).not.toContain('wrong-password-entered')
    }
  })

  it('is not reached where the setting does not allow it', async () => {
    const { status, body } = await api.ask<{ errors: unknown[] }>('POST', '/connections', {
      name: 'Inside',
      transport: 'broker',
      vendor: 'native',
      broker: { url: 'mqtt://192.168.0.10', topics: ['#'] },
    })
    expect([status, body.errors]).toEqual([
      422,
      [
        {
          path: 'broker.url',
          message: '192.168.0.10 is a private address that the setting HELIO_BROKER_HOSTS does not allow',
        },
      ],
    ])
  })
})
