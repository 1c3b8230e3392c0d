/**
 * Chapter 19: the power of a district is back, and its loggers connect all at once, again and again. Whoever was connected notices
 * nothing, nothing acknowledged is lost, and the edge is the one it was.
 */
import { connect as connectSocket, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Api, ConnectionMade } from './api.ts'
import { claimed } from './claimed.ts'
import { expectConserved } from './conserved.ts'
import { anonymousMb, Instance } from './instance.ts'
import { Load } from './sender.ts'
import { until } from './until.ts'

const RECONNECTS = 10_000
const LOGGERS = 1_000
/** Offered in this time, however long the answers take. */
const STORM_MS = 5_000
const ANSWER_LIMIT_MS = 60_000
const MAX_GROWTH_MB = 400

/** What became of one attempt: the code of the CONNACK, or that the socket was closed or silent. */
type Outcome = number | 'closed' | 'silent'

describe('a storm of reconnects', { timeout: 300_000 }, () => {
  let instance: Instance
  let api: Api
  let connection: ConnectionMade
  // A retry gets an instance of its own: in the one of before the device is claimed.
  beforeEach(async () => {
    instance = await Instance.start()
    api = await instance.api()
    connection = await api.connection()
  })
  afterEach(() => instance.remove())

  it(`${RECONNECTS} in ${STORM_MS / 1_000} s: each is answered, and a device that was there goes on`, async () => {
    const deviceId = await claimed(instance, api, { connection, siteId: await api.site() }, 'steady')
    const load = new Load({ instance, connection, device: 'steady', firstTs: Date.now() - 3_600_000, inFlight: 4 })
    load.start()
    await until('the first acknowledgements', () => load.acknowledged.size > 100)
    const edge = await instance.part('edge')
    const [before, memoryBefore] = [load.acknowledged.size, anonymousMb(edge)]

    const attempts: Promise<Outcome>[] = []
    const sockets = new Set<Socket>()
    const started = performance.now()
    while (attempts.length < RECONNECTS) {
      const due = Math.min(RECONNECTS, Math.ceil(((performance.now() - started) / STORM_MS) * RECONNECTS))
      while (attempts.length < due) {
        const logger = `logger-${attempts.length % LOGGERS}`
        attempts.push(attempt(instance.mqttPort, connectPacket(logger, connection), sockets))
      }
      await sleep(5)
    }
    const outcomes = await Promise.all(attempts)
    const memoryAfter = anonymousMb(edge)
    // An attempt that waited while its logger made the next one may be closed unheard: the newer session is the logger's.
    expect(outcomes.slice(-LOGGERS).filter((outcome) => outcome !== 0)).toEqual([])
    expect(outcomes.filter((outcome) => outcome !== 0 && outcome !== 'closed')).toEqual([])

    const after = load.acknowledged.size
    expect(after, 'the steady device was served meanwhile').toBeGreaterThan(before + 50)
    await until('more acknowledgements', () => load.acknowledged.size > after + 50)
    await load.stop()
    expect(await instance.part('edge'), 'the same process').toBe(edge)
    expect(memoryAfter - memoryBefore, 'megabytes more').toBeLessThan(MAX_GROWTH_MB)
    // Of each logger the newest session stays; what it took over is closed.
    await until('one session a logger', () => [...sockets].filter((socket) => !socket.destroyed).length === LOGGERS)
    for (const socket of sockets) socket.destroy()
    await api.drained()
    expectConserved(load, await api.readings(deviceId, load.range.from, load.range.to))
  })
})

/** Connects and stays connected, as a logger does. */
function attempt(port: number, packet: Buffer, sockets: Set<Socket>): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1', () => socket.write(packet))
    sockets.add(socket)
    const timer = setTimeout(() => resolve('silent'), ANSWER_LIMIT_MS)
    socket.once('data', (answer: Buffer) => {
      clearTimeout(timer)
      resolve(answer[0] === 0x20 ? answer[3]! : 'closed')
    })
    socket.on('error', () => undefined)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve('closed')
    })
  })
}

/** CONNECT of MQTT 3.1.1: clean session, user and password, keep-alive of a minute. */
function connectPacket(clientId: string, { username, secret }: ConnectionMade): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value)
    return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
  }
  const body = Buffer.concat([
    text('MQTT'),
    Buffer.from([4, 0xc2, 0, 60]),
    text(clientId),
    text(username),
    text(secret),
  ])
  const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7]
  return Buffer.concat([Buffer.from([0x10, ...length]), body])
}
