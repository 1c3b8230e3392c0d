import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, pause, publish, startEdge, text, until } from './edge.fixture.ts'

let harness: Harness
afterEach(() => harness.stop())

const limits = { payloadBytes: 10_000, topicLevels: 8, topicBytes: 100, sessionsPerConnection: 3, sockets: 8 }

describe('hostile input', () => {
  beforeEach(async () => {
    harness = await startEdge({ limits })
  })
  /** A well-behaved device on another connection goes on whatever the hostile one does. */
  async function othersGoOn(): Promise<void> {
    const client = harness.raw()
    await client.connect('beta')
    client.send(publish('readings', 'fine'))
    await client.next('puback')
    client.socket.destroy()
  }

  it('poison is taken and acknowledged: what it means is for later', async () => {
    const client = harness.raw()
    await client.connect('alpha')
    const bodies = [
      Buffer.alloc(0),
      Buffer.from([0xff, 0xfe, 0]),
      Buffer.from('{"__proto__":1}'),
      Buffer.from('['.repeat(9_000)),
    ]
    for (const [index, body] of bodies.entries()) {
      client.send(publish('any/topic', body, { messageId: index + 1 }))
      await client.next('puback')
    }
    expect(harness.log.stored.map(({ body }) => Buffer.from(body))).toEqual(bodies)
  })

  it.each([
    ['a payload above the limit', 'payload-too-large', 'readings', 10_001],
    ['a topic too deep', 'topic', 'a/'.repeat(20), 1],
    ['a topic too long', 'topic', 'x'.repeat(101), 1],
    ['a reserved topic', 'reserved-topic', '$SYS/broker/x', 1],
  ])('%s ends the connection and is counted', async (_, reason, topic, size) => {
    const client = harness.raw()
    await client.connect('alpha')
    client.send(publish(topic, Buffer.alloc(size)))
    await client.closed
    expect(client.packets.filter(({ cmd }) => cmd === 'puback')).toHaveLength(0)
    expect(harness.counters.get(`helio_ingest_rejected_messages_total ${reason}`)).toBe(1)
    expect(harness.log.stored).toHaveLength(0)
    await othersGoOn()
  })

  it('a packet that announces 200 MB is cut by its header', async () => {
    const client = harness.raw()
    await client.connect('alpha')
    client.socket.write(Buffer.from([0x30, 0x80, 0xc2, 0xd7, 0x5f]))
    await client.closed
    expect(harness.counters.get('helio_ingest_rejected_messages_total frame-too-large')).toBe(1)
    await othersGoOn()
  })

  it.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a publish before the CONNECT', Buffer.from([0x30, 0x03, 0, 1, 0x61])],
    ['noise', Buffer.from(Array.from({ length: 500 }, (_, index) => (index * 7919) & 0xff))],
    ['a CONNECT with a broken body', Buffer.from([0x10, 0x04, 0xff, 0xff, 0, 0])],
    ['an endless length', Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ])('%s instead of a CONNECT is cut', async (_, bytes) => {
    const client = harness.raw()
    client.socket.write(bytes)
    await client.closed
    await othersGoOn()
  })

  it('MQTT 5 is refused in its own words', async () => {
    const client = harness.raw()
    const bytes: Buffer[] = []
    client.socket.on('data', (chunk: Buffer) => bytes.push(chunk))
    client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: true,
      clientId: 'five',
      username: 'alpha',
      password: Buffer.from('alpha-secret'),
    })
    await client.closed
    expect(Buffer.concat(bytes)).toEqual(Buffer.from([0x20, 3, 0, 0x84, 0]))
    await expect(harness.client('alpha', { protocolVersion: 5 })).rejects.toThrow(/protocol version/i)
  })

  it('MQTT 3.1 is served, its client id kept apart like any other', async () => {
    const client = harness.raw()
    expect(
      await client.connect('alpha', { protocolId: 'MQIsdp', protocolVersion: 3, clientId: 'twenty-three-characters' }),
    ).toMatchObject({ returnCode: 0 })
    client.send(publish('readings', 'old'))
    await client.next('puback')
  })

  it('client ids: none is given one, none with a kept session and one with control characters are refused', async () => {
    expect(await harness.raw().connect('alpha', { clientId: '' })).toMatchObject({ returnCode: 0 })
    expect(await harness.raw().connect('beta', { clientId: 'x'.repeat(200) })).toMatchObject({ returnCode: 2 })
    expect(await harness.raw().connect('beta', { clientId: 'a\u0001b' })).toMatchObject({ returnCode: 2 })
    const named = harness.raw()
    expect(await named.connect('beta', { clientId: '__proto__' })).toMatchObject({ returnCode: 0 })
    named.send(publish('__proto__', 'x'))
    await named.next('puback')
  })

  it('sessions of one connection and sockets in all are bounded; others still find a place', async () => {
    const open = [harness.raw(), harness.raw(), harness.raw()]
    for (const client of open) expect(await client.connect('alpha')).toMatchObject({ returnCode: 0 })
    expect(await harness.raw().connect('alpha')).toMatchObject({ returnCode: 3 })
    await othersGoOn()
    await until(() => harness.edge.stats().sockets === 3)
    const idle = Array.from({ length: 8 }, () => harness.raw())
    await until(() => harness.edge.stats().sockets >= 8)
    await Promise.race(idle.map(({ closed }) => closed))
    expect(harness.edge.stats().sockets).toBeLessThanOrEqual(8)
  })

  it('a second CONNECT ends the connection', async () => {
    const client = harness.raw()
    await client.connect('alpha')
    client.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, clientId: 'x' })
    await client.closed
    await othersGoOn()
  })

  it('messages sent right behind the CONNECT are stored once the sign-in is judged, and none without it', async () => {
    const good = harness.raw()
    const connected = good.connect('alpha')
    for (let index = 1; index <= 50; index++) good.send(publish('readings', String(index), { messageId: index }))
    await connected
    await until(() => harness.log.stored.length === 50)
    expect(harness.log.stored.map(({ body }) => Number(text(body)))).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 1),
    )
    const bad = harness.raw()
    const refused = bad.connect('alpha', { password: Buffer.from('wrong') })
    bad.send(publish('readings', 'never'))
    expect(await refused).toMatchObject({ returnCode: 4 })
    await bad.closed
    expect(harness.log.stored).toHaveLength(50)
  })
})

it('a topic that the vendor file stumbles over goes to the common shard, and stops nobody', async () => {
  harness = await startEdge(
    {},
    {
      shard(_vendor, topic) {
        if (topic === 'strange') throw new TypeError('unexpected')
        return 'own'
      },
    },
  )
  const client = harness.raw()
  await client.connect('alpha')
  for (const topic of ['strange', 'usual']) {
    client.send(publish(topic, 'x'))
    await client.next('puback')
  }
  expect(harness.log.stored.map(({ key }) => key)).toEqual(['connection-alpha/', 'connection-alpha/own'])
})

describe('time', () => {
  it('a socket that says nothing, or half a packet, is closed', async () => {
    harness = await startEdge({ limits: { connectTimeoutMs: 100 } })
    const silent = harness.raw()
    const half = harness.raw()
    half.socket.write(Buffer.from([0x10, 0x20, 0, 4]))
    await Promise.all([silent.closed, half.closed])
  })

  it('a client that breaks its keepalive is closed and its will appended; too long a keepalive is shortened', async () => {
    harness = await startEdge({ limits: { keepaliveS: 1 } })
    const will = { topic: 'lwt', payload: Buffer.from('gone'), qos: 0 as const, retain: false }
    const client = harness.raw()
    await client.connect('alpha', { keepalive: 65_000, will })
    await client.closed
    await until(() => harness.log.stored.length === 1)
    expect(harness.counters.get('helio_mqtt_disconnects_total keepalive')).toBe(1)
  })

  it('sign-ins beyond the pace wait, and beyond the wait are told "server unavailable"', async () => {
    harness = await startEdge({ limits: { connectsPerSecond: 1, connectBurst: 1, connectWaitMs: 1_500 } })
    const answers = await Promise.all(Array.from({ length: 4 }, () => harness.raw().connect('alpha')))
    const codes = answers.map((packet) => ('returnCode' in packet ? packet.returnCode : undefined)).sort()
    expect(codes).toEqual([0, 0, 3, 3])
  })
})

describe('half-received messages', () => {
  it('are bounded over all clients together', async () => {
    harness = await startEdge({ limits: { payloadBytes: 100_000, partialBytes: 150_000 } })
    const header = Buffer.from([0x30, 0xa0, 0x8d, 0x06])
    const clients = [harness.raw(), harness.raw()]
    for (const client of clients) {
      await client.connect('alpha')
      client.socket.write(Buffer.concat([header, Buffer.alloc(90_000)]))
      await pause(50)
    }
    await clients[1]!.closed
    expect(clients[0]!.socket.destroyed).toBe(false)
    expect(harness.counters.get('helio_mqtt_refused_total partial-frames')).toBe(1)
  })
})
