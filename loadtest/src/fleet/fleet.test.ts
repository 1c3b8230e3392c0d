import { createServer, type AddressInfo, type Server } from 'node:net'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { Aedes } from 'aedes'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FAULTS } from './faults.ts'
import { type FleetOptions, runFleet } from './fleet.ts'
import { ConnectRefused, FleetClient } from './mqtt-client.ts'
import { simulatedVendors } from './vendors/index.ts'

interface Got {
  topic: string
  body: string
}
let broker: Aedes
let server: Server
let http: HttpServer
let got: Got[]
let posted: string[]
let httpAnswers: number[]
const listen = (which: Server | HttpServer): Promise<number> =>
  new Promise((resolve) => which.listen(0, '127.0.0.1', () => resolve((which.address() as AddressInfo).port)))
let base: FleetOptions

beforeEach(async () => {
  got = []
  posted = []
  httpAnswers = []
  broker = await Aedes.createBroker({
    authenticate: (_client, username, password, done) => done(null, username === 'u' && password?.toString() === 'p'),
    authorizePublish(_client, { topic, payload }, done) {
      got.push({ topic, body: payload.toString() })
      done(null)
    },
  })
  server = createServer(broker.handle)
  http = createHttpServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const status = httpAnswers.shift() ?? 202
      if (status === 202) posted.push(body)
      response.writeHead(status, { 'retry-after': '0' }).end('{}')
    })
  })
  base = {
    mqtt: { host: '127.0.0.1', port: await listen(server) },
    http: { url: `http://127.0.0.1:${await listen(http)}`, apiKey: 'k', sockets: 4 },
    credentials: new Map(
      ['native', 'opendtu', 'victron', 'tasmota'].map((vendor) => [vendor, { username: 'u', password: 'p' }]),
    ),
    devices: 20,
    rate: 500,
    seconds: 1,
    mix: [{ vendor: simulatedVendors.get('native')!, share: 1 }],
    faults: new Set(),
    seed: 1,
    longitude: 0,
    connections: 20,
  }
})
afterEach(async () => {
  await new Promise<void>((resolve) => broker.close(() => resolve()))
  server.close()
  http.closeAllConnections()
  http.close()
})

describe('the fleet', () => {
  it('sends what it was asked for, each message one row, and hears of each', async () => {
    const report = await runFleet(base)
    expect(report).toMatchObject({ sent: 500, acknowledged: 500, rows: 500, notSent: 0, duplicates: 0 })
    const keys = new Set(
      got
        .map(({ body }) => JSON.parse(body) as { device: string; ts: number })
        .map(({ device, ts }) => `${device} ${ts}`),
    )
    expect(keys.size).toBe(500)
    expect(got).toHaveLength(500)
  })

  it('mixes vendors and both transports', async () => {
    const report = await runFleet({
      ...base,
      mix: [...simulatedVendors.values()].map((vendor) => ({ vendor, share: 1 })),
    })
    expect(report.acknowledged).toBe(report.sent)
    expect(Object.values(report.byVendor).map(({ devices }) => devices)).toEqual([4, 4, 4, 4, 4])
    expect(posted.length).toBe(report.byVendor['native-http']!.sent)
    const topics = new Set(got.map(({ topic }) => topic.split('/')[0]))
    expect([...topics].sort()).toEqual(['N', 'readings', 'solar', 'tele'])
  })

  it('makes every fault it is asked for and still accounts for every message', async () => {
    const report = await runFleet({ ...base, rate: 2_000, faults: new Set(FAULTS) })
    expect(report.acknowledged).toBe(report.sent)
    expect(report.duplicates).toBeGreaterThan(20)
    expect(report.poison).toBeGreaterThan(5)
    expect(report.rows).toBeLessThan(report.sent - report.duplicates - report.poison + 1)
    expect(report.reconnects).toBeGreaterThan(0)
    expect(got.length).toBeGreaterThanOrEqual(report.sent)
  })

  it('tries again where the server says "later", and counts what is refused for good', async () => {
    httpAnswers = [503, 429, 202, 413]
    const report = await runFleet({
      ...base,
      rate: 10,
      devices: 1,
      mix: [{ vendor: simulatedVendors.get('native-http')!, share: 1 }],
    })
    expect(report).toMatchObject({ sent: 10, acknowledged: 9, refused: 1 })
  })
})

describe('the MQTT client', () => {
  it('is told when it is refused', async () => {
    const client = new FleetClient({ ...base.mqtt!, clientId: 'c', username: 'u', password: 'wrong' })
    await expect(client.connect()).rejects.toThrow(ConnectRefused)
  })
  it('sends what was not acknowledged again after it reconnects', async () => {
    const client = new FleetClient({ ...base.mqtt!, clientId: 'c', username: 'u', password: 'p' })
    await client.connect()
    client.destroy()
    const acknowledged = new Promise<void>((resolve) =>
      client.publish(Buffer.from('t'), Buffer.from('x'.repeat(20_000)), resolve),
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(client.connected).toBe(false)
    await client.connect()
    await acknowledged
    expect(got.at(-1)!.body).toHaveLength(20_000)
    await client.end()
  })
})
