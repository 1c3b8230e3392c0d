import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, pause, publish, startEdge, text, until } from './edge.fixture.ts'
import type { Takeover, Takeovers } from './ports.ts'

let harness: Harness
beforeEach(async () => {
  harness = await startEdge()
})
afterEach(() => harness.stop())

describe('a message', () => {
  it('is stamped with its connection and kept as it came', async () => {
    const client = await harness.client('alpha')
    const before = Date.now()
    await client.publishAsync('readings', Buffer.from([0, 1, 2, 0xff]), { qos: 1 })
    expect(harness.log.stored).toHaveLength(1)
    const { receivedAt, ...message } = harness.log.stored[0]!
    expect(message).toEqual({
      key: 'connection-alpha/all',
      tenantId: 'tenant-alpha',
      connectionId: 'connection-alpha',
      vendor: 'native',
      transport: 'mqtt',
      topic: 'readings',
      body: new Uint8Array([0, 1, 2, 0xff]),
    })
    expect(receivedAt).toBeGreaterThanOrEqual(before)
    expect(harness.counters.get('helio_ingest_received_messages_total mqtt native')).toBe(1)
    expect(harness.counters.get('helio_ingest_acknowledged_messages_total mqtt native')).toBe(1)
  })

  it('is acknowledged only when the log has it on disk', async () => {
    const client = harness.raw()
    await client.connect('alpha')
    const release = harness.log.hold()
    client.send(publish('readings', 'x', { messageId: 7 }))
    await expect(client.next('puback', 150)).rejects.toThrow('no puback')
    release()
    expect(await client.next('puback')).toMatchObject({ messageId: 7 })
  })

  it('is appended at QoS 0 too, also when the sender leaves at once', async () => {
    const client = harness.raw()
    await client.connect('alpha')
    client.send(publish('readings', 'zero', { qos: 0 }))
    client.send({ cmd: 'disconnect' })
    await until(() => harness.log.stored.length === 1)
    expect(text(harness.log.stored[0]!.body)).toBe('zero')
  })

  it('at QoS 2 is stored once though its PUBLISH is repeated, and released', async () => {
    const client = harness.raw()
    await client.connect('alpha')
    client.send(publish('readings', 'two', { qos: 2, messageId: 9 }))
    expect(await client.next('pubrec')).toMatchObject({ messageId: 9 })
    client.send(publish('readings', 'two', { qos: 2, messageId: 9, dup: true }))
    expect(await client.next('pubrec')).toMatchObject({ messageId: 9 })
    client.send({ cmd: 'pubrel', messageId: 9 })
    expect(await client.next('pubcomp')).toMatchObject({ messageId: 9 })
    expect(harness.log.stored).toHaveLength(1)
    // The id is free again: this is another message.
    client.send(publish('readings', 'three', { qos: 2, messageId: 9 }))
    await client.next('pubrec')
    expect(harness.log.stored.map(({ body }) => text(body))).toEqual(['two', 'three'])
  })

  it('keeps its place: a thousand at once are stored in the order sent, in few appends', async () => {
    const client = await harness.client('alpha')
    await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => client.publishAsync('readings', String(index), { qos: 1 })),
    )
    expect(harness.log.stored.map(({ body }) => Number(text(body)))).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
    expect(harness.log.appends).toBeLessThan(300)
  })

  it('that was retained is stored with the flag and given to nobody', async () => {
    const client = await harness.client('alpha')
    await client.publishAsync('homeassistant/sensor/x/config', '{}', { qos: 1, retain: true })
    expect(harness.log.stored[0]).toMatchObject({ retain: true, topic: 'homeassistant/sensor/x/config' })
    await client.publishAsync('homeassistant/sensor/x/config', '{}', { qos: 1 })
    expect(harness.log.stored[1]!.retain).toBeUndefined()
  })

  it('is keyed by the shard its vendor reads from the topic', async () => {
    const client = await harness.client('sparkplug')
    await client.publishAsync('spBv1.0/G/NDATA/N1', 'a', { qos: 1 })
    await client.publishAsync('spBv1.0/G/NDATA/N2', 'b', { qos: 1 })
    expect(harness.log.stored.map(({ key }) => key)).toEqual([
      'connection-sparkplug/spBv1.0/G/NDATA/N1',
      'connection-sparkplug/spBv1.0/G/NDATA/N2',
    ])
  })
})

describe('a will', () => {
  const will = { topic: 'tele/x/LWT', payload: Buffer.from('Offline'), qos: 1 as const, retain: true }

  it('is appended when the device is lost, and not when it says goodbye', async () => {
    const lost = harness.raw()
    await lost.connect('alpha', { will })
    lost.socket.destroy()
    await until(() => harness.log.stored.length === 1)
    expect(harness.log.stored[0]).toMatchObject({ topic: 'tele/x/LWT', retain: true, connectionId: 'connection-alpha' })
    const polite = harness.raw()
    await polite.connect('alpha', { will })
    polite.send({ cmd: 'disconnect' })
    await polite.closed
    await pause(50)
    expect(harness.log.stored).toHaveLength(1)
  })

  it('comes before the messages of the session that takes over', async () => {
    const old = harness.raw()
    await old.connect('alpha', { clientId: 'same', will })
    const fresh = harness.raw()
    await fresh.connect('alpha', { clientId: 'same' })
    fresh.send(publish('tele/x/LWT', 'Online'))
    await fresh.next('puback')
    expect(harness.log.stored.map(({ body }) => text(body))).toEqual(['Offline', 'Online'])
  })

  it('outside what the device may publish refuses the sign-in', async () => {
    const client = harness.raw()
    expect(await client.connect('alpha', { will: { ...will, topic: '$SYS/x' } })).toMatchObject({ returnCode: 5 })
    await client.closed
    expect(harness.refusals).toMatchObject([{ reason: 'will', topic: '$SYS/x', connectionId: 'connection-alpha' }])
    expect(harness.log.stored).toHaveLength(0)
  })

  it('does not fire because we stop', async () => {
    const client = harness.raw()
    await client.connect('alpha', { will })
    await harness.edge.stop()
    await client.closed
    expect(harness.log.stored).toHaveLength(0)
  })
})

describe('devices do not meet', () => {
  it('the same client id on two connections stays two sessions; on one the newer takes over', async () => {
    const alpha = harness.raw()
    await alpha.connect('alpha', { clientId: 'logger' })
    const beta = harness.raw()
    await beta.connect('beta', { clientId: 'logger' })
    alpha.send(publish('readings', 'a'))
    await alpha.next('puback')
    const newer = harness.raw()
    await newer.connect('alpha', { clientId: 'logger' })
    await alpha.closed
    beta.send(publish('readings', 'b'))
    await beta.next('puback')
    expect(harness.log.stored.map(({ connectionId }) => connectionId)).toEqual(['connection-alpha', 'connection-beta'])
  })

  it('a session ends when its client signs in at another edge, and its will is left unsaid', async () => {
    const heard = new Set<(takeover: Takeover) => void>()
    const announced: Takeover[] = []
    const takeovers: Takeovers = {
      tell: (takeover) => announced.push(takeover),
      subscribe: (listener) => (heard.add(listener), () => heard.delete(listener)),
    }
    const shared = await startEdge({}, { takeovers })
    const tell = (takeover: Takeover) => heard.forEach((listener) => listener(takeover))
    const will = { topic: 'tele/x/LWT', payload: Buffer.from('Offline'), qos: 1 as const, retain: false }
    const [device, other] = [shared.raw(), shared.raw()]
    await device.connect('alpha', { clientId: 'logger', will })
    await other.connect('alpha', { clientId: 'other' })
    await until(() => announced.length === 2)
    expect(announced.map(({ clientId }) => clientId)).toEqual(['connection-alpha/logger', 'connection-alpha/other'])
    const { clientId, at } = announced[0]!
    // Said before it came here, and about somebody else.
    tell({ clientId, at: at - 1 })
    tell({ clientId: 'connection-beta/logger', at: at + 1 })
    device.send(publish('readings', 'still here'))
    await device.next('puback')
    tell({ clientId, at: at + 1 })
    await device.closed
    other.send(publish('readings', 'the other'))
    await other.next('puback')
    expect(shared.log.stored.map(({ body }) => text(body))).toEqual(['still here', 'the other'])
    expect(shared.counters.get('helio_mqtt_disconnects_total taken-over')).toBe(1)
    await shared.stop()
    expect(heard.size).toBe(0)
  })

  it('an older session gives way to another edge whose clock is late', async () => {
    let now = Date.now()
    const heard = new Set<(takeover: Takeover) => void>()
    const takeovers: Takeovers = {
      tell: () => undefined,
      subscribe: (listener) => (heard.add(listener), () => heard.delete(listener)),
    }
    const shared = await startEdge({}, { takeovers, clock: { now: () => now } })
    const device = shared.raw()
    await device.connect('alpha', { clientId: 'logger' })
    device.send(publish('readings', 'open'))
    await device.next('puback')
    now += 10_000
    heard.forEach((listener) => listener({ clientId: 'connection-alpha/logger', at: now - 3_600_000 }))
    await device.closed
    await shared.stop()
  })

  it('a subscription to anything but the own downlink topics is refused and audited', async () => {
    const client = harness.raw()
    await client.connect('victron')
    const asked = [
      '#',
      '+/+/+',
      'readings',
      '$SYS/#',
      'W/1/x',
      'R/1/keepalive',
      'R/+/keepalive',
      'R/1/other',
      'spBv1.0/+/NCMD/+',
    ]
    client.send({ cmd: 'subscribe', messageId: 3, subscriptions: asked.map((topic) => ({ topic, qos: 1 })) })
    expect(await client.next('suback')).toMatchObject({ granted: [128, 128, 128, 128, 128, 1, 1, 128, 128] })
    expect(harness.refusals).toMatchObject([{ reason: 'subscription', connectionId: 'connection-victron', topic: '#' }])
    expect(harness.counters.get('helio_mqtt_refused_total subscription')).toBe(7)
  })

  it('a downlink reaches the clients of its connection that asked for it, and only allowed topics pass', async () => {
    const asking = await harness.client('victron')
    const other = await harness.client('sparkplug')
    const got: string[] = []
    asking.on('message', (topic, payload) => got.push(`${topic} ${payload}`))
    other.on('message', (topic) => got.push(`other ${topic}`))
    expect(harness.edge.send('connection-victron', { topic: 'R/1/keepalive', body: '[]' })).toBe('no-client')
    await asking.subscribeAsync('R/1/keepalive')
    await other.subscribeAsync('spBv1.0/+/NCMD/+')
    expect(harness.edge.send('connection-victron', { topic: 'R/1/keepalive', body: '[]' })).toBe('sent')
    expect(harness.edge.send('connection-victron', { topic: 'W/1/settings', body: '1' })).toBe('topic')
    expect(harness.edge.send('connection-victron', { topic: 'spBv1.0/G/NCMD/N', body: '1' })).toBe('topic')
    await until(() => got.length > 0)
    await pause(30)
    expect(got).toEqual(['R/1/keepalive []'])
    const results = Array.from({ length: 30 }, () =>
      harness.edge.send('connection-victron', { topic: 'R/1/keepalive', body: '' }),
    )
    expect(results).toContain('rate')
    await asking.unsubscribeAsync('R/1/keepalive')
    expect(harness.edge.send('connection-victron', { topic: 'R/1/keepalive', body: '[]' })).toBe('no-client')
  })
})

describe('a credential', () => {
  it('that is wrong, missing or unknown is refused with the code that says so, and audited', async () => {
    for (const [user, more] of [
      ['nobody', {}],
      ['alpha', { password: Buffer.from('wrong') }],
      ['alpha', { password: undefined }],
      ['', { username: undefined, password: undefined }],
    ] as const) {
      const client = harness.raw()
      expect(await client.connect(user, more)).toMatchObject({ returnCode: 4 })
      await client.closed
    }
    expect(harness.refusals.map(({ reason, userName }) => `${reason} ${userName}`)).toEqual([
      'wrong-credentials nobody',
      'wrong-credentials alpha',
      'no-credentials undefined',
    ])
  })

  it('guessed too often is refused without a look, others are not', async () => {
    for (let attempt = 0; attempt < 10; attempt++)
      await harness.raw().connect('alpha', { password: Buffer.from(`guess ${attempt}`) })
    expect(await harness.raw().connect('alpha')).toMatchObject({ returnCode: 5 })
    expect(await harness.raw().connect('beta')).toMatchObject({ returnCode: 0 })
    expect(harness.refusals.filter(({ reason }) => reason === 'wrong-credentials')).toHaveLength(1)
  })

  it('revoked cuts its sockets at once, its will unheard, the other secret of a rotation goes on', async () => {
    harness.secrets.set('alpha', ['alpha-secret', 'alpha-next'])
    const old = harness.raw()
    await old.connect('alpha', { will: { topic: 'x', payload: Buffer.from('gone'), qos: 0, retain: false } })
    const next = harness.raw()
    await next.connect('alpha', { password: Buffer.from('alpha-next') })
    harness.secrets.set('alpha', ['', 'alpha-next'])
    const at = Date.now()
    harness.revoke({ connectionId: 'connection-alpha', credentialIds: ['alpha-0'] })
    await old.closed
    expect(Date.now() - at).toBeLessThan(1_000)
    next.send(publish('readings', 'still here'))
    await next.next('puback')
    expect(harness.log.stored.map(({ body }) => text(body))).toEqual(['still here'])
    harness.revoke({ connectionId: 'connection-alpha' })
    await next.closed
  })

  it('revoked while its sign-in is under way does not slip through', async () => {
    await harness.stop()
    let answer!: () => void
    const asked = new Promise<void>((resolve) => (answer = resolve))
    let calls = 0
    harness = await startEdge(
      {},
      {
        credentials: {
          async verify() {
            if (calls++ > 0) return undefined
            await asked
            return { tenantId: 't' as never, connectionId: 'c' as never, vendor: 'native', credentialId: 'k' }
          },
        },
      },
    )
    const client = harness.raw()
    const answered = client.connect('alpha')
    await until(() => calls === 1)
    harness.revoke({ connectionId: 'c' })
    answer()
    expect(await answered).toMatchObject({ returnCode: 4 })
  })

  it('that the store cannot judge is told "server unavailable"', async () => {
    await harness.stop()
    harness = await startEdge({}, { credentials: { verify: () => Promise.reject(new Error('down')) } })
    expect(await harness.raw().connect('alpha')).toMatchObject({ returnCode: 3 })
  })
})
