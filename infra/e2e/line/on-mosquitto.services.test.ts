/** Connections to a company's own broker, on a real Mosquitto: it is killed, we are away, several share the work. Nothing is lost. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseBrokerHosts } from '@heliograph/crm-core'
import { type AppendRecord, type Connection, decodeRaw, type LogProducer } from '@heliograph/crm-core/contracts'
import { type BrokerEdge, type BrokerPlan, createBrokerEdge, createDial } from '@heliograph/ingest'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownService } from '../../services/for-tests.ts'
import type { Api } from './api.ts'
import { expectConserved } from './conserved.ts'
import { Instance } from './instance.ts'
import { Load, native, publish } from './sender.ts'
import { until } from './until.ts'

const mosquitto = await ownService('mosquitto')
const at = new URL(mosquitto.url())
const url = `mqtt://${at.host}`
const LONG_MS = 120_000

let instance: Instance
let api: Api
beforeAll(async () => {
  instance = await Instance.start({ env: { HELIO_BROKER_HOSTS: 'loopback' } })
  api = await instance.api()
})
afterAll(async () => {
  await instance.remove()
  await mosquitto.remove()
})

const sender = () =>
  mqtt.connectAsync(url, { username: at.username, password: at.password, protocolVersion: 4, reconnectPeriod: 200 })

describe.each(['5', '3.1.1'] as const)('a Mosquitto that speaks MQTT %s', { timeout: 600_000, retry: 0 }, (version) => {
  let connection: Connection
  let deviceId: string
  let logger: MqttClient
  const topic = `plant/${version}`
  const device = `on-${version}`

  beforeAll(async () => {
    connection = await api.post<Connection>('/connections', {
      name: 'Mosquitto',
      transport: 'broker',
      vendor: 'native',
      broker: { url, username: at.username, password: at.password, topics: ['plant/+', 'readings'], version },
    })
    await connected()
    logger = await sender()
    logger.on('error', () => undefined)
    await publish(logger, native(device, Date.now() - 86_400_000, { ac_power_w: 1 }), topic)
    deviceId = await api.claim(await api.unclaimed(connection.id, device), await api.site())
  })
  afterAll(async () => {
    await logger.endAsync(true)
    await api.remove(`/connections/${connection.id}`)
  })

  const connected = () =>
    until(
      'the broker connected',
      async () => {
        const { broker } = await api.get<Connection>(`/connections/${connection.id}`)
        return broker?.status.state === 'connected' && broker.status.version === version
      },
      LONG_MS,
    )
  async function stored(from: number, to: number): Promise<Set<number>> {
    await api.drained()
    const times = (await api.readings(deviceId, from, to)).map(({ ts }) => Date.parse(ts))
    expect(new Set(times).size, 'doubled').toBe(times.length)
    return new Set(times)
  }
  const allStored = (times: readonly number[]) =>
    until(
      'every row',
      async () => {
        const found = await stored(times[0]!, times.at(-1)! + 1)
        return times.every((ts) => found.has(ts))
      },
      LONG_MS,
      500,
    )
  async function publishAll(first: number, count: number): Promise<number[]> {
    const times = Array.from({ length: count }, (_, index) => first + index)
    await Promise.all(times.map((ts) => publish(logger, native(device, ts, { ac_power_w: ts % 10_000 }), topic)))
    return times
  }

  it('is killed with messages in flight: its session resumes with all of them', async () => {
    const edge = await instance.part('edge')
    // Nothing is acknowledged any more, so some messages are on their way and the others wait.
    process.kill(edge, 'SIGSTOP')
    const times = await publishAll(Date.now() - 7_200_000, 300)
    // What Mosquitto has told a sender may be in its memory alone for seconds; this makes it write now.
    const file = join(mosquitto.dataDir, 'mosquitto.db')
    const asked = Date.now()
    process.kill(mosquitto.pid()!, 'SIGUSR1')
    await until('its memory on disk', () => statSync(file).mtimeMs >= asked)
    await mosquitto.kill()
    process.kill(edge, 'SIGCONT')
    await until('the loss seen', async () => {
      const { broker } = await api.get<Connection>(`/connections/${connection.id}`)
      return broker?.status.state !== 'connected'
    })
    await mosquitto.start()
    await allStored(times)
    await connected()
  })

  it('keeps what comes while we are away', async () => {
    await instance.end()
    const times = await publishAll(Date.now() - 3_600_000, 500)
    await instance.start()
    api = await instance.api()
    await allStored(times)
  })

  it('is restarted under load, and our process killed: nothing acknowledged is lost, nothing is there twice', async () => {
    const load = new Load({
      instance: { mqttUrl: url } as Instance,
      connection: { username: at.username, secret: at.password },
      device,
      firstTs: Date.now() - 1_800_000,
    }).start()
    await until('a load', () => load.acknowledged.size > 300)
    await mosquitto.stop()
    await mosquitto.start()
    const before = load.acknowledged.size
    await until('more of it', () => load.acknowledged.size > before + 300, LONG_MS)
    await instance.killPart('edge')
    const killed = load.acknowledged.size
    await until('still more', () => load.acknowledged.size > killed + 300, LONG_MS)
    await load.stop()
    await connected()
    await until(
      'every row',
      async () => {
        const found = await stored(load.range.from, load.range.to)
        return [...load.acknowledged].every((ts) => found.has(ts))
      },
      LONG_MS,
      500,
    )
    expectConserved(load, await api.readings(deviceId, load.range.from, load.range.to))
  })

  it('says that a password is wrong', async () => {
    const { id } = await api.post<Connection>('/connections', {
      name: 'Guessed',
      transport: 'broker',
      vendor: 'native',
      broker: { url, username: at.username, password: 'guessed', topics: ['plant/+'], version },
    })
    const { broker } = await until('its refusal', async () => {
      const found = await api.get<Connection>(`/connections/${id}`)
      return found.broker?.status.state === 'failed' ? found : undefined
    })
    expect(broker!.status).toMatchObject({ code: 'credentials' })
    await api.remove(`/connections/${id}`)
  })
})

describe('several workers on one Mosquitto', { timeout: 300_000, retry: 0 }, () => {
  const clientId = `helio-shared-${process.pid}`
  const plan = (slot: number, workers = 2): BrokerPlan => ({
    connectionId: 'shared' as never,
    tenantId: 'tenant' as never,
    vendor: 'native',
    clientId,
    slot,
    workers,
    address: { tls: false, host: at.hostname, port: Number(at.port) },
    caCert: null,
    username: at.username,
    password: at.password,
    topics: ['shared/#'],
    version: '5',
    retiredTopics: [],
  })
  interface Worker {
    edge: BrokerEdge
    bodies: string[]
  }
  function worker(): Worker {
    const bodies: string[] = []
    const producer: LogProducer = {
      pendingBytes: 0,
      async append(records: AppendRecord[]) {
        await sleep(2)
        bodies.push(...records.map(({ value }) => Buffer.from(decodeRaw(new Uint8Array(value)).body).toString()))
        return { partition: 0, offset: bodies.length }
      },
    }
    const edge = createBrokerEdge({
      producer,
      metrics: { inc: () => undefined },
      dial: createDial({ hosts: parseBrokerHosts('loopback'), timeoutMs: 10_000 }),
      shard: () => '',
      mayPublish: () => true,
      downlinkTopics: () => [],
      clock: Date,
      random: Math.random,
    })
    return { edge, bodies }
  }
  const connected = (of: Worker, count = 1) =>
    until(
      'its sessions',
      () => of.edge.reports().filter(({ state }) => state === 'connected').length === count,
      LONG_MS,
    )
  const bodies = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`)

  it('share the messages; what a lost one had coming, its successor gets', async () => {
    const [first, second] = [worker(), worker()]
    const client = await sender()
    const send = (all: string[]) => Promise.all(all.map((body) => client.publishAsync('shared/a', body, { qos: 1 })))
    first.edge.serve([plan(0)])
    second.edge.serve([plan(1)])
    await Promise.all([connected(first), connected(second)])
    const shared = bodies('shared', 400)
    await send(shared)
    await until('all of them', () => first.bodies.length + second.bodies.length >= 400, LONG_MS)
    expect([...first.bodies, ...second.bodies].sort()).toEqual([...shared].sort())
    expect(first.bodies.length).toBeGreaterThan(50)
    expect(second.bodies.length).toBeGreaterThan(50)

    await second.edge.stop()
    const away = bodies('away', 200)
    await send(away)
    first.edge.serve([plan(0), plan(1)])
    await until('all of them', () => away.every((body) => first.bodies.includes(body)), LONG_MS)

    // One worker from now on: the second session is emptied, and nothing comes twice.
    first.edge.serve([plan(0, 1), plan(1, 1)])
    await connected(first, 2)
    const alone = bodies('alone', 100)
    await send(alone)
    await until('all of them', () => alone.every((body) => first.bodies.includes(body)), LONG_MS)
    expect(first.bodies.filter((body) => body.startsWith('alone'))).toHaveLength(100)

    first.edge.serve([], new Set(['shared']))
    await until('its end', () => first.edge.reports().length === 0, LONG_MS)
    await first.edge.stop()
    await client.endAsync()
  })
})
