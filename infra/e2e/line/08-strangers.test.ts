/** Chapter 8: who may speak, for whom, and for how long. What is refused is written down. */
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Api, ConnectionMade } from './api.ts'
import { claimed } from './claimed.ts'
import { Instance } from './instance.ts'
import { connect, native, publish } from './sender.ts'
import { until } from './until.ts'

/** The promise is one second; a busy machine gets five. */
const SECOND = 5_000
const CONNACK = { wrongCredentials: 4, notAuthorized: 5 }

describe('strangers', { timeout: 400_000 }, () => {
  let instance: Instance
  let api: Api
  let connection: ConnectionMade
  let siteId: string
  let deviceId: string
  beforeAll(async () => {
    instance = await Instance.start()
    api = await instance.api()
    connection = await api.connection()
    siteId = await api.site()
    deviceId = await claimed(instance, api, { connection, siteId }, 'mine')
  })
  afterAll(() => instance.remove())

  const codeOf = async (
    given: { username?: string; secret?: string },
    options: IClientOptions = {},
  ): Promise<number | undefined> => {
    try {
      const client = await connect(
        instance,
        { username: given.username ?? connection.username, secret: given.secret ?? connection.secret },
        options,
      )
      await client.endAsync()
      return 0
    } catch (error) {
      return (error as { code?: number }).code
    }
  }
  const audited = (action: string) =>
    until(`${action} in the audit`, async () => {
      const { items } = await api.get<{ items: { action: string; resourceId: string }[] }>(
        `/audit?action=denied:mqtt.${action}`,
      )
      return items.some(({ resourceId }) => resourceId === connection.id)
    })
  const rejected = async () =>
    (await api.metrics()).sum('helio_ingest_rejected_messages_total', { reason: 'foreign-topic' })
  const closed = (client: MqttClient) => new Promise<void>((resolve) => client.once('close', resolve))

  it('refuses wrong secrets and unknown names, and writes it down', async () => {
    expect(await codeOf({ secret: 'wrong' })).toBe(CONNACK.wrongCredentials)
    expect(await codeOf({ username: 'c-nobody' })).toBe(CONNACK.wrongCredentials)
    await audited('wrong-credentials')
  })

  it('refuses topics that are not the device’s to use: publishes, retained messages, wills and subscriptions', async () => {
    const foreign = await connect(instance, connection)
    const cut = closed(foreign)
    void foreign.publishAsync('$SYS/broker/load', 'x', { qos: 1 }).catch(() => undefined)
    await cut
    const retained = await connect(instance, connection)
    const cutToo = closed(retained)
    void retained.publishAsync('$share/readings', 'x', { qos: 1, retain: true }).catch(() => undefined)
    await cutToo
    expect(await codeOf({}, { will: { topic: '$SYS/last', payload: Buffer.from('x'), qos: 1, retain: true } })).toBe(
      CONNACK.notAuthorized,
    )
    await audited('will')
    await audited('reserved-topic')

    // What the devices of its vendor cannot have published; elsewhere owners choose, but not another vendor's names.
    const tasmota = await api.connection({ vendor: 'tasmota' })
    const before = await rejected()
    for (const [owner, topic] of [
      [connection, 'N/c0619ab12345/grid/30/Ac/Power'],
      [connection, 'readings/other'],
      [tasmota, 'spBv1.0/Fleet/DDATA/Site01/INV-9'],
    ] as const) {
      const stray = await connect(instance, owner)
      const cutOff = closed(stray)
      void stray.publishAsync(topic, '{"value":1}', { qos: 1 }).catch(() => undefined)
      await cutOff
    }
    expect((await rejected()) - before).toBe(3)
    await audited('foreign-topic')
    expect(
      await codeOf({}, { will: { topic: 'N/c0619ab12345/last', payload: Buffer.from('x'), qos: 1, retain: false } }),
    ).toBe(CONNACK.notAuthorized)
    const free = await connect(instance, tasmota)
    await publish(free, '{"Time":"2026-06-21T10:00:00","ENERGY":{"Power":1}}', 'tele/barn/SENSOR')
    await free.endAsync()

    const spy = await connect(instance, connection)
    const heard: string[] = []
    spy.on('message', (topic) => heard.push(topic))
    await spy.subscribeAsync('#').catch(() => undefined)
    const speaker = await connect(instance, connection)
    await publish(speaker, native('mine', Date.now(), { ac_power_w: 5 }))
    await sleep(500)
    expect(heard).toEqual([])
    await Promise.all([spy.endAsync(true), speaker.endAsync()])
  })

  it('keeps a will that may be spoken, as the message it is', async () => {
    const ts = Date.now() - 60_000
    const client = await connect(instance, connection, {
      will: { topic: 'readings', payload: Buffer.from(native('mine', ts, { ac_power_w: 77 })), qos: 1, retain: false },
    })
    client.stream.destroy()
    await until('the will', async () => (await api.readings(deviceId, ts, ts + 1)).length === 1)
  })

  it('takes nobody’s word for another’s device: the same serial elsewhere is unclaimed', async () => {
    const { id: tenantId } = await api.post<{ id: string }>('/tenants', {
      name: 'Neighbour',
      adminEmail: 'admin@neighbour.test',
      adminPassword: 'correct-horse-battery',
    })
    expect(tenantId).toBeTruthy()
    const neighbour = await instance.api({ email: 'admin@neighbour.test', password: 'correct-horse-battery' })
    const theirs = await neighbour.connection()
    const ts = Date.now() - 30_000
    for (const foreign of [theirs, await api.connection()]) {
      const client = await connect(instance, foreign)
      await publish(client, native('mine', ts, { ac_power_w: 666 }))
      await client.endAsync()
    }
    await neighbour.unclaimed(theirs.id, 'mine')
    await api.drained()
    expect(await api.readings(deviceId, ts, ts + 1)).toEqual([])
    // And no way to it by its number.
    expect((await neighbour.ask('GET', `/devices/${deviceId}/latest`)).status).toBe(404)
    expect((await neighbour.ask('GET', `/sites/${siteId}/live`)).status).toBe(404)
    expect((await neighbour.ask('GET', `/series?scope=device:${deviceId}&metric=ac_power_w`)).status).toBe(404)
    expect((await neighbour.ask('DELETE', `/connections/${connection.id}`)).status).toBe(404)
  })

  it('lets two secrets overlap, and cuts what the first one opened when its time is over', async () => {
    const rotating = await api.connection()
    const old = await connect(instance, rotating)
    const { secret } = await api.post<{ secret: string }>(`/connections/${rotating.id}/rotate`, { overlapS: 6 })
    const fresh = await connect(instance, { username: rotating.username, secret })
    const second = await connect(instance, rotating)
    await publish(old, native('rotating', Date.now(), { ac_power_w: 1 }))
    await publish(fresh, native('rotating', Date.now(), { ac_power_w: 1 }))
    await Promise.race([
      Promise.all([closed(old), closed(second)]),
      sleep(6_000 + SECOND).then(() => Promise.reject(new Error('the old secret’s sockets are still open'))),
    ])
    expect(await codeOf({ username: rotating.username, secret: rotating.secret })).toBe(CONNACK.wrongCredentials)
    await publish(fresh, native('rotating', Date.now(), { ac_power_w: 1 }))
    await fresh.endAsync()
  })

  it('cuts a revoked connection at once and lets it in no more', async () => {
    const doomed = await api.connection()
    const clients = await Promise.all([connect(instance, doomed), connect(instance, doomed)])
    const cut = Promise.all(clients.map(closed))
    const started = Date.now()
    await api.remove(`/connections/${doomed.id}`)
    await Promise.race([cut, sleep(SECOND)])
    expect(Date.now() - started).toBeLessThan(SECOND)
    expect(await codeOf({ username: doomed.username, secret: doomed.secret })).toBe(CONNACK.wrongCredentials)
  })

  it('says when a connection was last heard', async () => {
    const quiet = await api.connection()
    expect(await api.get(`/connections/${quiet.id}`)).toMatchObject({ lastSeenAt: null })
    const client = await mqtt.connectAsync(instance.mqttUrl, {
      username: quiet.username,
      password: quiet.secret,
      protocolVersion: 4,
    })
    const sent = Date.now()
    await publish(client, native('quiet', sent, { ac_power_w: 1 }))
    await client.endAsync()
    const { lastSeenAt } = await until('lastSeenAt', async () => {
      const found = await api.get<{ lastSeenAt: string | null }>(`/connections/${quiet.id}`)
      return found.lastSeenAt !== null && { lastSeenAt: found.lastSeenAt }
    })
    expect(Math.abs(Date.parse(lastSeenAt) - sent)).toBeLessThan(SECOND)
  })
})
