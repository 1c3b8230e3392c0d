import { afterEach, describe, expect, it } from 'vitest'
import { LogError } from '@heliograph/crm-core/contracts'
import { type Harness, pause, publish, startEdge, text, until } from './edge.fixture.ts'

let harness: Harness
afterEach(() => harness.stop())
const numbers = (): number[] => harness.log.stored.map(({ body }) => parseInt(text(body).trim(), 10))
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

describe('a log that refuses', () => {
  it('leaves publishes unacknowledged, drops nobody, and ends with everything in order', async () => {
    harness = await startEdge({ pressure: { retryMs: 20, retryMaxMs: 50 } })
    const client = await harness.client('alpha')
    const recover = harness.log.refuse(new LogError('log_full', 'no space'))
    let acknowledged = 0
    const sent = upTo(200).map(async (index) => {
      await client.publishAsync('readings', String(index), { qos: 1 })
      acknowledged++
    })
    await pause(300)
    expect(acknowledged).toBe(0)
    expect(client.connected).toBe(true)
    expect(harness.edge.stats().pressure).toBe('soft')
    expect(harness.counters.get('helio_mqtt_append_failures_total log_full')).toBeLessThan(20)
    recover()
    await Promise.all(sent)
    expect(numbers()).toEqual(upTo(200))
    await until(() => harness.edge.stats().pressure === 'none')
    expect(harness.edge.stats().heldBytes).toBe(0)
  })

  it('forgets what a client that went away will send again, and keeps what it cannot', async () => {
    harness = await startEdge({ pressure: { retryMs: 20, retryMaxMs: 50 } })
    const recover = harness.log.refuse(new LogError('log_full', 'no space'))
    const client = harness.raw()
    await client.connect('alpha')
    client.socket.cork()
    client.send(publish('readings', '1', { messageId: 1 }))
    client.send(publish('readings', '2', { qos: 0 }))
    client.socket.uncork()
    await pause(50)
    client.socket.destroy()
    await pause(150)
    recover()
    await until(() => harness.log.stored.length > 0)
    await pause(50)
    expect(numbers()).toEqual([2])
    expect(harness.edge.stats().heldBytes).toBe(0)
  })

  it('refuses one message as too large: that one is not acknowledged, its neighbours are', async () => {
    harness = await startEdge()
    const append = harness.log.append.bind(harness.log)
    harness.log.append = (records) =>
      records.some(({ value }) => value.length > 5_000)
        ? Promise.reject(new LogError('log_too_large', 'too large'))
        : append(records)
    const good = harness.raw()
    const bad = harness.raw()
    await good.connect('alpha')
    await bad.connect('beta')
    bad.send(publish('readings', Buffer.alloc(6_000)))
    good.send(publish('readings', '5'))
    await good.next('puback')
    await bad.closed
    expect(bad.packets).toHaveLength(0)
    expect(numbers()).toEqual([5])
  })
})

describe('pressure', () => {
  it('stops reading, so that memory stays flat while clients go on sending, and recovers', async () => {
    const settings = { softBytes: 200_000, hardBytes: 400_000 }
    harness = await startEdge({ pressure: settings })
    const release = harness.log.hold()
    const clients = await Promise.all(upTo(20).map(() => harness.client('alpha')))
    const body = 'x'.repeat(1_000)
    const sent = upTo(4_000).map((index) =>
      clients[index % 20]!.publishAsync('readings', `${index} ${body}`, { qos: 1 }),
    )
    await until(() => harness.edge.stats().pressure === 'hard')
    await pause(200)
    // One more chunk of a socket may be under way when the limit is reached.
    expect(harness.edge.stats().heldBytes).toBeLessThan(settings.hardBytes + 2 * 64 * 1024)
    expect(harness.edge.stats().waiting).toBeGreaterThan(0)
    release()
    await Promise.all(sent)
    expect(numbers().sort((a, b) => a - b)).toEqual(upTo(4_000))
    expect(harness.edge.stats()).toMatchObject({ heldBytes: 0 })
  })

  it('asked for from behind the log leaves messages unacknowledged until it is called off; sign-ins and pings pass', async () => {
    harness = await startEdge()
    harness.setPressure(true)
    await until(() => harness.edge.stats().pressure === 'soft')
    const client = harness.raw()
    await client.connect('alpha')
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
    for (let index = 1; index <= 5; index++) client.send(publish('readings', String(index), { messageId: index }))
    await expect(client.next('puback', 400)).rejects.toThrow('no puback')
    expect(harness.log.stored).toHaveLength(0)
    harness.setPressure(false)
    for (let index = 1; index <= 5; index++) await client.next('puback')
    expect(numbers()).toEqual([1, 2, 3, 4, 5])
    await until(() => harness.edge.stats().pressure === 'none')
  })

  it('asked for from behind the log does not keep a stop from storing what was read', async () => {
    harness = await startEdge()
    harness.setPressure(true)
    const client = harness.raw()
    await client.connect('alpha')
    client.send(publish('readings', '1'))
    await until(() => harness.edge.stats().heldBytes > 0)
    await harness.edge.stop()
    expect(numbers()).toEqual([1])
  })

  it('of one client: no more than its share is read, the others are served', async () => {
    harness = await startEdge({ limits: { inFlightPerClient: 100 } })
    const release = harness.log.hold()
    const greedy = harness.raw()
    await greedy.connect('alpha')
    for (let index = 0; index < 20_000; index++)
      greedy.send(publish('readings', `${index} ${'x'.repeat(200)}`, { qos: 0 }))
    await until(() => harness.edge.stats().heldBytes > 0)
    await pause(200)
    // Its share, and the rest of the chunk in which it was reached.
    expect(harness.edge.stats().heldBytes).toBeLessThan(1_000 * 1_000)
    release()
    await until(() => harness.log.stored.length === 20_000, 10_000)
    expect(numbers()).toEqual(upTo(20_000))
  })

  it('of acknowledgements that a client does not read stops its reading, not the edge', async () => {
    harness = await startEdge({ limits: { unreadAckBytes: 2_000 } })
    const deaf = harness.raw()
    await deaf.connect('alpha')
    deaf.socket.pause()
    let id = 0
    const feed = setInterval(() => {
      const more = upTo(500).map(() => publish('readings', '1', { messageId: (id++ % 65_535) + 1 }))
      if (deaf.socket.writableLength < 1_000_000) for (const packet of more) deaf.send(packet)
    }, 5)
    const other = harness.raw()
    await other.connect('beta')
    await pause(500)
    other.send(publish('readings', '2'))
    await other.next('puback')
    clearInterval(feed)
    expect(harness.edge.stats().heldBytes).toBeLessThan(4_000_000)
  })
})

describe('a stop', () => {
  it('acknowledges what was read, closes every socket, and takes seconds at most', async () => {
    harness = await startEdge()
    const client = harness.raw()
    await client.connect('alpha')
    const release = harness.log.hold()
    for (let index = 1; index <= 100; index++) client.send(publish('readings', String(index), { messageId: index }))
    await until(() => harness.edge.stats().heldBytes > 0)
    const at = Date.now()
    const stopped = harness.edge.stop()
    setTimeout(release, 100)
    await stopped
    await client.closed
    expect(Date.now() - at).toBeLessThan(2_000)
    const acknowledged = client.packets.filter(({ cmd }) => cmd === 'puback').length
    expect(acknowledged).toBe(harness.log.stored.length)
    expect(acknowledged).toBeGreaterThan(0)
    await expect(harness.raw().connect('alpha')).rejects.toThrow()
  })

  it('does not wait for a log that refuses', async () => {
    harness = await startEdge({ drainMs: 200 })
    harness.log.refuse(new LogError('log_full', 'no space'))
    const client = harness.raw()
    await client.connect('alpha')
    client.send(publish('readings', '1'))
    await until(() => harness.edge.stats().heldBytes > 0)
    const at = Date.now()
    await harness.edge.stop()
    expect(Date.now() - at).toBeLessThan(1_500)
    await client.closed
    expect(client.packets).toHaveLength(0)
  })

  it('a port in use is said at start, nothing stays open', async () => {
    harness = await startEdge()
    await expect(startEdge({ port: harness.port })).rejects.toThrow('EADDRINUSE')
  })
})
