import { LogError } from '@heliograph/crm-core/contracts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Harness, planFor, type ScriptedBroker, startBrokerEdge, startScriptedBroker } from './broker.fixture.ts'

const WAIT = { timeout: 20_000, interval: 5 }
const soon = (check: () => void | Promise<void>) => vi.waitFor(check, WAIT)

describe.each([5, 4] as const)('a broker of MQTT version %i', (version) => {
  let broker: ScriptedBroker
  let harness: Harness
  const asked = version === 5 ? '5' : '3.1.1'
  const plan = (changes: Parameters<typeof planFor>[1] = {}) => planFor(broker.port, { version: asked, ...changes })
  const publish = (
    messageId: number,
    body = `{"n":${messageId}}`,
    more: { topic?: string; retain?: boolean; qos?: 0 | 1 | 2 } = {},
  ) =>
    broker
      .last()
      .send({ cmd: 'publish', topic: 'readings', qos: 1, messageId, payload: body, dup: false, retain: false, ...more })
  const connected = () => soon(() => expect(harness.word()?.state).toBe('connected'))

  beforeEach(async () => {
    broker = await startScriptedBroker()
    harness = startBrokerEdge()
  })
  afterEach(async () => {
    await harness.edge.stop()
    await broker.stop()
  })

  it('is asked to keep a session, and subscribed to with QoS 1', async () => {
    harness.edge.serve([plan({ topics: ['readings', 'site/#'] })])
    await connected()
    const { connect, packets } = broker.last()
    expect(connect).toMatchObject({
      clientId: 'helio-c-abcdefghijkmnop',
      clean: false,
      protocolVersion: version,
      username: 'us',
    })
    expect(connect.password?.toString()).toBe('secret')
    if (version === 5)
      expect(connect.properties).toMatchObject({ sessionExpiryInterval: 604_800, receiveMaximum: 1_000 })
    const subscribe = packets.find(({ cmd }) => cmd === 'subscribe')!
    expect(subscribe).toMatchObject({
      subscriptions: [
        { topic: 'readings', qos: 1 },
        { topic: 'site/#', qos: 1 },
      ],
    })
    if (version === 5) expect(subscribe).toMatchObject({ subscriptions: [{ rh: 1, rap: false }, { rh: 1 }] })
  })

  it('has its acknowledgement when the message is on disk, in the order of the messages', async () => {
    harness.edge.serve([plan()])
    await connected()
    const release = harness.log.hold()
    for (const id of [5, 3, 9]) publish(id)
    await soon(() => expect(harness.edge.stats().heldBytes).toBeGreaterThan(0))
    // What is refused is answered in its turn, not before.
    publish(4, 'x', { topic: 'foreign/a' })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(broker.last().acknowledged()).toEqual([])
    release()
    await soon(() => expect(broker.last().acknowledged()).toEqual([5, 3, 9, 4]))
    expect(harness.log.stored.map(({ body }) => Buffer.from(body).toString())).toEqual([
      '{"n":5}',
      '{"n":3}',
      '{"n":9}',
    ])
    expect(harness.log.stored[0]).toMatchObject({
      tenantId: 'tenant-a',
      connectionId: 'connection-a',
      vendor: 'native',
      transport: 'broker',
      topic: 'readings',
      key: 'connection-a/',
    })
    expect(harness.counters.get('helio_ingest_received_messages_total{broker,native}')).toBe(3)
    expect(harness.counters.get('helio_ingest_acknowledged_messages_total{broker,native}')).toBe(3)
    expect(harness.counters.get('helio_ingest_rejected_messages_total{foreign-topic}')).toBe(1)
    expect(harness.word()).toMatchObject({
      state: 'connected',
      code: 'foreign-topic',
      message: expect.stringContaining('"foreign/a"'),
    })
  })

  it('has no acknowledgement of what a refusing log has not, and all of it afterwards', async () => {
    harness.edge.serve([plan()])
    await connected()
    const release = harness.log.refuse(new LogError('log_full', 'no room'))
    for (const id of [1, 2]) publish(id)
    await soon(() => expect(harness.edge.stats().stalled).toBe(true))
    expect(broker.last().acknowledged()).toEqual([])
    release()
    await soon(() => expect(broker.last().acknowledged()).toEqual([1, 2]))
  })

  it('is read no further than the bound, and again when there is room', async () => {
    await harness.edge.stop()
    harness = startBrokerEdge({ limits: { inFlight: 10 } })
    harness.edge.serve([plan()])
    await connected()
    const release = harness.log.hold()
    const body = 'x'.repeat(100_000)
    for (let id = 1; id <= 200; id++) publish(id, body)
    await soon(() => expect(harness.edge.stats().heldBytes).toBeGreaterThan(10 * body.length))
    await new Promise((resolve) => setTimeout(resolve, 200))
    // One chunk of the socket may hold a few more than the bound.
    expect(harness.edge.stats().heldBytes).toBeLessThan(25 * body.length)
    release()
    await soon(() => expect(broker.last().acknowledged()).toHaveLength(200))
    expect(harness.log.stored).toHaveLength(200)
  })

  it('waits while the line behind is too far behind', async () => {
    harness.edge.serve([plan()])
    await connected()
    harness.setPressure(true)
    publish(1)
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(harness.log.stored).toHaveLength(0)
    harness.setPressure(false)
    await soon(() => expect(broker.last().acknowledged()).toEqual([1]))
  })

  it('sends again what a lost connection left unacknowledged; nothing is subscribed to twice', async () => {
    harness.edge.serve([plan()])
    await connected()
    const release = harness.log.hold()
    publish(1)
    await soon(() => expect(harness.edge.stats().heldBytes).toBeGreaterThan(0))
    broker.onConnect = () => ({ sessionPresent: true })
    broker.last().socket.destroy()
    await soon(() => expect(broker.visits).toHaveLength(2))
    publish(1)
    release()
    await soon(() => expect(broker.last().acknowledged()).toEqual([1]))
    expect(broker.visits[0]!.acknowledged()).toEqual([])
    await connected()
    expect(broker.last().packets.filter(({ cmd }) => cmd === 'subscribe')).toEqual([])
    expect(harness.counters.get('helio_broker_disconnects_total{closed}')).toBe(1)
  })

  it('that lost its session is subscribed to again', async () => {
    harness.edge.serve([plan()])
    await connected()
    broker.last().socket.destroy()
    await soon(() => expect(broker.visits).toHaveLength(2))
    await soon(() => expect(broker.last().packets.some(({ cmd }) => cmd === 'subscribe')).toBe(true))
  })

  it('keeps what it sends unreadable, too large or with QoS 0 from stopping anything', async () => {
    await harness.edge.stop()
    harness = startBrokerEdge({ limits: { payloadBytes: 1_000 } })
    harness.edge.serve([plan({ topics: ['#'] })])
    await connected()
    publish(1, 'x'.repeat(1_001))
    publish(2, 'y'.repeat(200_000))
    publish(3, 'z', { topic: `deep${'/x'.repeat(40)}` })
    publish(0, '{"n":0}', { qos: 0 })
    publish(4, '\u0000{')
    await soon(() => expect(broker.last().acknowledged()).toEqual([1, 2, 3, 4]))
    expect(harness.log.stored.map(({ body }) => Buffer.from(body).toString())).toEqual(['{"n":0}', '\u0000{'])
    expect(harness.counters.get('helio_ingest_rejected_messages_total{payload-too-large}')).toBe(2)
    expect(harness.counters.get('helio_ingest_rejected_messages_total{topic}')).toBe(1)
    expect(broker.visits).toHaveLength(1)
  })

  it('has retained messages marked as such', async () => {
    harness.edge.serve([plan()])
    await connected()
    publish(1, '{"n":1}', { retain: true })
    publish(2)
    await soon(() => expect(harness.log.stored.map(({ retain }) => retain)).toEqual([true, undefined]))
  })

  it.each([
    ['a wrong password', version === 5 ? { reasonCode: 134 } : { returnCode: 4 }, 'credentials', /password is wrong/],
    [
      'a login that may not',
      version === 5 ? { reasonCode: 135 } : { returnCode: 5 },
      'credentials',
      /does not let us in/,
    ],
    ['a full house', version === 5 ? { reasonCode: 151 } : { returnCode: 3 }, 'busy', /busy or full/],
  ] as const)('says %s in plain words, and is tried again', async (_name, answer, code, message) => {
    broker.onConnect = () => answer
    harness.edge.serve([plan()])
    await soon(() =>
      expect(harness.word()).toMatchObject({ state: 'failed', code, message: expect.stringMatching(message) }),
    )
    await soon(() => expect(broker.visits.length).toBeGreaterThan(2))
    expect(JSON.stringify(harness.edge.reports())).not.toContain('secret')
    broker.onConnect = () => ({})
    await connected()
    expect(harness.word()?.message).toBeUndefined()
  })

  it('that refuses every filter is in trouble, one that refuses some is connected and says which', async () => {
    broker.onSubscribe = ({ subscriptions }) => subscriptions.map(({ topic }) => (topic === 'mine' ? 1 : 128))
    harness.edge.serve([plan({ topics: ['theirs'] })])
    await soon(() => expect(harness.word()).toMatchObject({ state: 'failed', code: 'filter-refused' }))
    expect(harness.word()?.message).toContain('"theirs"')
    harness.edge.serve([plan({ topics: ['mine', 'theirs'] })])
    await soon(() => expect(harness.word()).toMatchObject({ state: 'connected', code: 'filter-refused' }))
  })

  it('is left when its connection is gone, and told to forget the session', async () => {
    harness.edge.serve([plan()])
    await connected()
    harness.edge.serve([], new Set(['connection-a']))
    await soon(() => expect(broker.visits).toHaveLength(2))
    await soon(() => expect(broker.last().packets.map(({ cmd }) => cmd)).toEqual(['disconnect']))
    expect(broker.visits[0]!.packets.at(-1)).toMatchObject({ cmd: 'disconnect' })
    expect(broker.last().connect).toMatchObject({ clean: true })
    expect(harness.edge.reports()).toEqual([])
  })

  it('keeps its session for us when the process ends, with all acknowledged that was on disk', async () => {
    harness.edge.serve([plan()])
    await connected()
    const release = harness.log.hold()
    publish(1)
    await soon(() => expect(harness.edge.stats().heldBytes).toBeGreaterThan(0))
    setTimeout(release, 50)
    await harness.edge.stop()
    expect(broker.visits).toHaveLength(1)
    await soon(() => expect(broker.last().packets.map(({ cmd }) => cmd)).toEqual(['subscribe', 'puback', 'disconnect']))
  })

  it('has filters taken back that are asked for no longer', async () => {
    broker.onConnect = () => ({ sessionPresent: true })
    harness.edge.serve([plan({ topics: ['new'], retiredTopics: ['old'] })])
    await connected()
    const unsubscribe = broker.last().packets.find(({ cmd }) => cmd === 'unsubscribe')
    expect(unsubscribe).toMatchObject({
      unsubscriptions: expect.arrayContaining(['old', '$share/helio-c-abcdefghijkmnop/new']),
    })
    expect((unsubscribe as { unsubscriptions: string[] }).unsubscriptions).not.toContain('new')
  })

  it('hears what its devices are asked, and nothing else', async () => {
    harness.edge.serve([plan({ vendor: 'victron', topics: ['N/#'] })])
    await connected()
    expect(harness.edge.send('connection-a', { topic: 'R/abc/keepalive', body: '' })).toBe('sent')
    expect(harness.edge.send('connection-a', { topic: 'W/abc/off', body: '1' })).toBe('topic')
    expect(harness.edge.send('connection-b', { topic: 'R/abc/keepalive', body: '' })).toBe('no-client')
    await soon(() =>
      expect(broker.last().packets.at(-1)).toMatchObject({ cmd: 'publish', topic: 'R/abc/keepalive', qos: 0 }),
    )
  })

  it('that sends QoS 2 where QoS 1 was granted is no broker', async () => {
    harness.edge.serve([plan()])
    await connected()
    publish(1, 'x', { qos: 2 })
    await soon(() => expect(harness.counters.get('helio_broker_disconnects_total{protocol}')).toBe(1))
    expect(harness.log.stored).toEqual([])
  })
})

describe('a broker of any version', () => {
  let broker: ScriptedBroker
  let harness: Harness
  beforeEach(async () => {
    broker = await startScriptedBroker()
    harness = startBrokerEdge()
  })
  afterEach(async () => {
    await harness.edge.stop()
    await broker.stop()
  })

  it.each([
    ['says so', { returnCode: 1, reasonCode: 132 }],
    ['hangs up', undefined],
  ])('that does not know version 5 and %s is spoken to in 3.1.1', async (_name, refusal) => {
    broker.onConnect = ({ protocolVersion }) => (protocolVersion === 5 ? refusal : {})
    harness.edge.serve([planFor(broker.port)])
    await soon(() => expect(harness.word()).toMatchObject({ state: 'connected', version: '3.1.1' }))
    broker.last().socket.destroy()
    await soon(() => expect(broker.visits.filter(({ connect }) => connect.protocolVersion === 4)).toHaveLength(2))
  })

  it('shares the work where it offers that: each worker has a session of its own', async () => {
    const plans = [0, 1].map((slot) => planFor(broker.port, { slot, workers: 2, topics: ['a/#'] }))
    harness.edge.serve(plans)
    await soon(() => expect(harness.edge.reports().map(({ state }) => state)).toEqual(['connected', 'connected']))
    expect(broker.visits.map(({ connect }) => connect.clientId).sort()).toEqual([
      'helio-c-abcdefghijkmnop',
      'helio-c-abcdefghijkmnop-2',
    ])
    for (const { packets } of broker.visits)
      expect(packets.find(({ cmd }) => cmd === 'subscribe')).toMatchObject({
        subscriptions: [{ topic: '$share/helio-c-abcdefghijkmnop/a/#' }],
      })
  })

  it('without shared subscriptions is served by the first worker alone', async () => {
    broker.onConnect = () => ({ properties: { sharedSubscriptionAvailable: false } })
    harness.edge.serve([0, 1].map((slot) => planFor(broker.port, { slot, workers: 2, topics: ['a/#'] })))
    await soon(() => expect(harness.edge.reports().map(({ state }) => state)).toEqual(['connected', 'connected']))
    expect(
      broker.visits.flatMap(({ packets }) =>
        packets.flatMap((each) => (each.cmd === 'subscribe' ? each.subscriptions : [])),
      ),
    ).toMatchObject([{ topic: 'a/#' }])
  })

  it('that is taken over by another client says so', async () => {
    harness.edge.serve([planFor(broker.port, { version: '5' })])
    await soon(() => expect(harness.word()?.state).toBe('connected'))
    broker.onConnect = () => undefined
    broker.last().send({ cmd: 'disconnect', reasonCode: 142 })
    await soon(() => expect(harness.counters.get('helio_broker_disconnects_total{taken-over}')).toBe(1))
  })

  it('that sends nonsense is left, whatever it is', async () => {
    harness.edge.serve([planFor(broker.port, { version: '5' })])
    let seed = 7
    for (let round = 1; round <= 40; round++) {
      await soon(() => expect(broker.visits.length).toBeGreaterThanOrEqual(round))
      const visit = broker.last()
      const bytes = Buffer.from(
        Array.from({ length: 60 }, () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) >> 16),
      )
      // A packet of every type in turn, its length right and its inside not.
      bytes[0] = ((round % 15) + 1) << 4
      bytes[1] = 58
      visit.socket.end(bytes)
    }
    broker.onConnect = () => ({})
    await soon(() => expect(harness.word()?.state).toBe('connected'))
  })

  it('is begun anew when its settings change, and once where they do not', async () => {
    harness.edge.serve([planFor(broker.port)])
    await soon(() => expect(harness.word()?.state).toBe('connected'))
    harness.edge.serve([planFor(broker.port)])
    harness.edge.serve([planFor(broker.port, { password: 'another' })])
    harness.edge.serve([planFor(broker.port, { password: 'third' })])
    await soon(() => expect(broker.last().connect.password?.toString()).toBe('third'))
    await soon(() => expect(harness.word()?.state).toBe('connected'))
    expect(broker.visits).toHaveLength(2)
  })
})

describe('an address', () => {
  it.each([
    [{ host: '127.0.0.1', port: 1 }, 'connection-refused', 'Nothing listens at 127.0.0.1:1'],
    [{ host: 'no-such-host.invalid', port: 1883 }, 'host-unknown', 'no-such-host.invalid'],
    [
      { host: '10.1.2.3', port: 1883 },
      'address-refused',
      'a private address that the setting HELIO_BROKER_HOSTS does not allow',
    ],
  ] as const)('of %o is in trouble: %s', async (address, code, message) => {
    const harness = startBrokerEdge()
    harness.edge.serve([planFor(1, { address: { tls: false, ...address } })])
    await soon(() =>
      expect(harness.word()).toMatchObject({ state: 'failed', code, message: expect.stringContaining(message) }),
    )
    await harness.edge.stop()
  })
})
