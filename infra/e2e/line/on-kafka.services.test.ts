/** The whole line with its log on Kafka: what it promises on the embedded log, and what is said of an address that is wrong. */
import { setTimeout as sleep } from 'node:timers/promises'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownService } from '../../services/for-tests.ts'
import { SERVICE_PASSWORD, SERVICE_USER } from '../../services/service.ts'
import { seenByOthers } from '../../src/log/kafka-fixture.ts'
import { freePort } from '../../src/process/free-port.ts'
import type { Api, ConnectionMade } from './api.ts'
import { claimed } from './claimed.ts'
import { expectConserved } from './conserved.ts'
import { Instance } from './instance.ts'
import { connect, Load, native, publish } from './sender.ts'
import { until } from './until.ts'

type Broker = Awaited<ReturnType<typeof ownService>>

describe('the line on Kafka', { timeout: 300_000 }, () => {
  let broker: Broker
  let instance: Instance
  let api: Api
  let connection: ConnectionMade
  let siteId: string

  beforeAll(async () => {
    broker = await ownService('kafka')
    instance = await Instance.start({ env: { HELIO_LOG_URL: `${broker.url()}/line?partitions=3` } })
    api = await instance.api()
    connection = await api.connection()
    siteId = await api.site()
  })
  afterAll(async () => {
    await instance?.remove()
    await broker?.remove()
  })

  it('shows a device that is claimed, with its history and what it sends now', async () => {
    const deviceId = await claimed(instance, api, { connection, siteId }, 'appears')
    const client = await connect(instance, connection)
    const now = Date.now()
    await publish(client, native('appears', now, { ac_power_w: 4321 }))
    await client.endAsync()
    const stored = await until('both readings', async () => {
      const found = await api.readings(deviceId, now - 2 * 86_400_000, now + 60_000)
      return found.length === 2 ? found : undefined
    })
    expect(stored.map(({ metrics }) => metrics['ac_power_w'])).toEqual([1, 4321])
  })

  it('shows other consumers of its topics the trace of a message, in the headers of what it becomes', async () => {
    const traced = await Instance.start({
      env: {
        HELIO_LOG_URL: `${broker.url()}/traced?partitions=1`,
        // Nobody there to collect them: the records carry their traces all the same.
        HELIO_TRACES_URL: `http://127.0.0.1:${await freePort()}/v1/traces`,
        HELIO_TRACES_ONE_IN: '1',
      },
    })
    try {
      const its = await traced.api()
      const place = { connection: await its.connection(), siteId: await its.site() }
      await claimed(traced, its, place, 'traced')
      const client = await connect(traced, place.connection)
      await publish(client, native('traced', Date.now(), { ac_power_w: 4321 }))
      await client.endAsync()
      const header = async (topic: string, count: number): Promise<string> =>
        String((await seenByOthers(broker.url(), `traced.${topic}`, count)).at(-1)!.headers?.['traceparent'])
      // Of the two messages the first was of nobody's device yet.
      const [raw, reading] = [await header('raw', 2), await header('readings', 1)]
      const format = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/
      const [[, trace, received], [, same, decoded]] = [format.exec(raw) ?? [], format.exec(reading) ?? []]
      expect([raw, reading, same]).toEqual([expect.stringMatching(format), expect.stringMatching(format), trace])
      expect(decoded).not.toBe(received)
    } finally {
      await traced.remove()
    }
  })

  it('loses and doubles nothing when worker and broker are killed under load', async () => {
    const deviceId = await claimed(instance, api, { connection, siteId }, 'killed')
    const load = new Load({ instance, connection, device: 'killed', firstTs: Date.now() - 3_600_000 }).start()
    for (let round = 0; round < 3; round++) {
      const before = load.acknowledged.size
      await until('more acknowledgements', () => load.acknowledged.size > before + 100)
      await instance.killPart('worker')
      await sleep(300)
      await broker.kill()
      await sleep(1_500)
      await broker.start()
    }
    const before = load.acknowledged.size
    await until('acknowledgements after the last kill', () => load.acknowledged.size > before + 100)
    await load.stop(20_000)
    await api.drained()
    expectConserved(load, await api.readings(deviceId, load.range.from, load.range.to))
  })

  it('says while the broker is away that it is, and is ready again when it is back', async () => {
    await broker.kill()
    type Ready = { status: string; parts: { name: string; state: string }[] }
    const ready = async () => (await (await fetch(`${instance.url}/readyz`)).json()) as Ready
    let last: Ready | undefined
    // The log, and nobody else: they wait for it.
    const named = async () => {
      last = await ready()
      const down = last.parts.filter(({ state }) => state === 'down').map(({ name }) => name)
      return down.length === 1 && down[0] === 'log'
    }
    await until('the log alone to be missed', named).catch((error: unknown) => {
      throw new Error(JSON.stringify(last), { cause: error })
    })
    expect(last).toMatchObject({ status: 'degraded' })
    expect((await fetch(`${instance.url}/healthz`)).status).toBe(200)
    await broker.start()
    await until('ready again', async () => (await ready()).status === 'ready')
  })
})

describe('a start on a Kafka that cannot be used', { timeout: 300_000 }, () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await ownService('kafka')
  })
  afterAll(() => broker?.remove())

  async function refused(url: string): Promise<string> {
    const instance = await Instance.create({ env: { HELIO_LOG_URL: url } })
    try {
      const { code, output } = await instance.run()
      expect(code, output).toBe(1)
      const lines = output.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('{"level"'))
      expect(lines, output).toHaveLength(1)
      expect(lines[0]).not.toContain(SERVICE_PASSWORD)
      return lines[0]!
    } finally {
      rmSync(instance.dataDir, { recursive: true, force: true })
    }
  }
  const at = (listener: string) => `127.0.0.1:${broker.port(listener)}`

  it.each([
    ['a wrong port', async () => `kafka://127.0.0.1:${await freePort()}`, /nothing listens on 127\.0\.0\.1:\d+/],
    ['a wrong host', async () => 'kafka://no-such-host.invalid:9092', /there is no host for no-such-host\.invalid/],
    ['a wrong password', async () => `kafka://${SERVICE_USER}:guessed@${at('sasl')}`, /refuses the user "heliograph"/],
    [
      'a user who is not known',
      async () => `kafka://nobody:${SERVICE_PASSWORD}@${at('sasl')}?sasl=scram-sha-256`,
      /refuses the user "nobody"/,
    ],
    ['no password where one is asked for', async () => `kafka://${at('sasl')}`, /a user and password/],
    ['no TLS where it is asked for', async () => `kafka://${SERVICE_USER}:${SERVICE_PASSWORD}@${at('tls')}`, /tls=on/],
    ['TLS where there is none', async () => `kafka://${at('plain')}?tls=on`, /no TLS\?$/],
    [
      'a certificate nobody signed',
      async () => `kafka://${SERVICE_USER}:${SERVICE_PASSWORD}@${at('tls')}?tls=on`,
      /certificate.*ca=FILE/,
    ],
    ['more copies than brokers', async () => `kafka://${at('plain')}/copies?replication=3`, /fewer brokers/],
    ['an unknown part of the address', async () => `kafka://${at('plain')}?acks=0`, /"acks" is no part of/],
  ])('names %s in one line', async (_what, url, line) => {
    const said = await refused(await url())
    expect(said).toMatch(/^HELIO_LOG_URL: /)
    expect(said).toMatch(line)
  })
})
