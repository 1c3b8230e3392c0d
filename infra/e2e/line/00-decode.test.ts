/** Chapter 0: inside the line: from a raw message to a reading, an unclaimed device or a dead letter, on the real log. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Registry } from '@heliograph/crm-core'
import {
  type ConnectionId,
  type CustomerId,
  type DeadLetterRecord,
  decodeRecord,
  type DeviceId,
  type DomainEvent,
  encodeRaw,
  type Log,
  type OrgUnitId,
  type RawHeader,
  type ReadingRecord,
  type RegistryDevice,
  type ReplayChunk,
  type ReplayId,
  type ReplayProgressRecord,
  type SiteId,
  type TenantId,
  type Topic,
  TOPICS,
  type UnclaimedRecord,
} from '@heliograph/crm-core/contracts'
import {
  createDecodeStage,
  createReplayRunner,
  DECODE_GROUP,
  decodeProducers,
  type DecodeStage,
  type ReplayRunner,
  vendors,
} from '@heliograph/ingest'
import { createLmdbLog } from '../../src/log/lmdb.ts'

const T0 = Date.parse('2026-06-21T10:00:00Z')
const tenantId = 't1' as TenantId
const connectionId = 'k1' as ConnectionId

describe('decode line', () => {
  let dir: string
  let log: Log
  let registry: Registry
  let stage: DecodeStage
  let replays: ReplayRunner
  const errors: unknown[] = []
  const replayed: ReadingRecord[] = []
  const chunks: ReplayChunk[] = []

  beforeEach(async () => {
    for (const list of [errors, replayed, chunks]) list.length = 0
    dir = mkdtempSync(join(tmpdir(), 'heliograph-decode-'))
    registry = new Registry()
    registry.load({
      version: 1,
      tenants: [{ id: tenantId, name: 'T' }],
      connections: [{ id: connectionId, tenantId, name: 'k', vendor: 'native', transport: 'mqtt', enabled: true }],
      sites: [site('s1')],
      devices: [device('d1', 'known')],
    })
    await open()
  })
  afterEach(async () => {
    await close()
    rmSync(dir, { recursive: true })
  })

  async function open(): Promise<void> {
    log = createLmdbLog({ dir })
    await log.start()
    const producers = decodeProducers(log, 0)
    const onError = (error: unknown) => errors.push(error)
    stage = createDecodeStage({ log, registry, vendors, onError }, producers)
    replays = createReplayRunner({
      log,
      registry,
      vendors,
      producers,
      progress: log.producer(TOPICS.replays),
      sink: {
        put(readings, stretches) {
          replayed.push(...readings)
          chunks.push(...stretches)
          return Promise.resolve()
        },
        settled: () => Promise.resolve(),
      },
      onError,
    })
    await stage.start()
  }
  async function close(): Promise<void> {
    await replays.stop()
    await stage.stop()
    await log.stop()
  }

  const send = (body: string | object, changes: Partial<RawHeader> = {}) => {
    const header: RawHeader = {
      tenantId,
      connectionId,
      vendor: 'native',
      transport: 'mqtt',
      receivedAt: T0,
      topic: 'readings',
      ...changes,
    }
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    return log.producer(TOPICS.raw).append([{ key: `${connectionId}/`, value: encodeRaw(header, bytes) }])
  }
  async function all<T extends object>(topic: Topic): Promise<T[]> {
    const found: T[] = []
    for (const { partition, first, next } of await log.bounds(topic))
      for await (const records of log.read({ topic, partition, from: first, to: next }))
        found.push(...records.map((record) => decodeRecord<T>(record.value)))
    return found
  }
  const drained = () => expect.poll(() => stage.lag(), { timeout: 10_000 }).toBe(0)
  const message = (device: string, ts: number, power = 1) => ({ device, ts, metrics: { ac_power_w: power } })
  const replay = (changes: Partial<Extract<DomainEvent, { type: 'replay.requested' }>>) =>
    replays.run(
      {
        type: 'replay.requested',
        version: 99,
        at: T0,
        tenantId,
        replayId: 'r1' as ReplayId,
        revision: 1,
        ...changes,
      },
      stage.positions(),
    )

  it('gives the reading of a known device, with where it came from', async () => {
    const { offset } = await send(message('known', T0 - 1_000, 4_200))
    await drained()
    expect(await all<ReadingRecord>(TOPICS.readings)).toMatchObject([
      {
        deviceId: 'd1',
        siteId: 's1',
        tenantId,
        ts: T0 - 1_000,
        receivedAt: T0,
        metrics: { ac_power_w: 4_200 },
        rawRef: { offset, revision: 0 },
      },
    ])
  })

  it('saves what it did last, also when nothing more comes', async () => {
    await send(message('known', T0 - 2_000))
    await drained()
    const { partition, offset } = await send(message('known', T0 - 1_000))
    await drained()
    await expect
      .poll(() => log.committed(TOPICS.raw, DECODE_GROUP), { timeout: 30_000 })
      .toContainEqual({ partition, offset: offset + 1 })
  }, 40_000)

  it('takes no value of now from what a broker retained: only what carries its own time', async () => {
    const retained = { transport: 'broker', retain: true } as const
    await send(message('known', T0 - 5_000, 7), retained)
    await send({ device: 'known', metrics: { ac_power_w: 8 } }, retained)
    await send({ device: 'known', metrics: { ac_power_w: 9 } }, { transport: 'broker' })
    // A device that publishes to us with the flag has just said it.
    await send({ device: 'known', metrics: { ac_power_w: 10 } }, { retain: true, receivedAt: T0 + 1 })
    await drained()
    const readings = await all<ReadingRecord>(TOPICS.readings)
    expect(readings.map(({ ts, metrics }) => [ts - T0, metrics['ac_power_w']])).toEqual([
      [-5_000, 7],
      [0, 9],
      [1, 10],
    ])
  })

  it('parks what nobody linked, and keeps what nobody understands with its bytes', async () => {
    await send(message('stranger', T0))
    await send('this is not JSON')
    await send({ device: 'known', ts: T0, metrics: { ac_power_w: 1e99, frequency_hz: 50 } })
    await send(message('known', T0 + 1))
    await drained()
    expect((await all<UnclaimedRecord>(TOPICS.unclaimed)).map(({ reading }) => reading.device)).toEqual(['stranger'])
    const letters = await all<DeadLetterRecord>(TOPICS.deadLetter)
    expect(letters.map(({ reason }) => reason)).toEqual(['not-json', 'out-of-bounds'])
    expect(Buffer.from(letters[0]!.body, 'base64').toString()).toBe('this is not JSON')
    // Bad input never stops good input.
    expect((await all<ReadingRecord>(TOPICS.readings)).map(({ ts }) => ts)).toEqual([T0 + 1])
  })

  it('tells on the firmware of a device when it is another one, once an hour at most, and nothing of history', async () => {
    const HOUR = 3_600_000
    const told = (firmware: string, at: number, changes: Partial<RawHeader> = {}) =>
      send({ ...message('known', at), attributes: { firmware } }, { receivedAt: at, ...changes })
    registry.apply({
      type: 'device.upserted',
      version: 2,
      at: T0,
      tenantId,
      device: { ...device('d1', 'known'), firmware: '1.0' },
    })
    await told('1.0', T0)
    await told('0.9', T0 - HOUR, { backfill: true })
    await told('1.1', T0 + 1)
    await told('1.1', T0 + 2)
    await told('1.0', T0 + 3)
    await told('1.2', T0 + 2 * HOUR)
    await drained()
    // The values themselves go where they always go.
    expect(await all<ReadingRecord>(TOPICS.readings)).toHaveLength(6)
    const records = await all<UnclaimedRecord>(TOPICS.unclaimed)
    expect(records.map(({ deviceId, reading }) => [deviceId, reading.attributes])).toEqual([
      ['d1', { firmware: '1.1' }],
      ['d1', { firmware: '1.2' }],
    ])
    expect(records[0]!.reading.metrics).toEqual({})
    await replay({ revision: 2 })
    expect(await all<UnclaimedRecord>(TOPICS.unclaimed)).toHaveLength(2)
  })

  it('does not believe a clock that is far off, and says so', async () => {
    await send(message('known', T0 + 3_600_000))
    await send(message('known', 0))
    await send(message('known', Date.parse('2019-01-01')), { backfill: true })
    await drained()
    expect((await all<ReadingRecord>(TOPICS.readings)).map(({ ts, quality }) => [ts, quality])).toEqual([
      [T0, ['clock_suspect']],
      [Date.parse('2019-01-01'), ['backfill']],
    ])
  })

  it('replays the raw history of a claimed device while messages stream in, and parks nothing afterwards', async () => {
    for (let index = 0; index < 50; index++) await send(message('stranger', T0 + index))
    await drained()
    const streaming = (async () => {
      for (let index = 50; index < 150; index++) await send(message('stranger', T0 + index))
    })()
    registry.apply({ version: 2, at: T0, tenantId, type: 'device.upserted', device: device('d2', 'stranger') })
    const done = replay({ connectionId, link: { externalId: 'stranger', deviceId: 'd2' as DeviceId } })
    await streaming
    await done
    await drained()
    const live = await all<ReadingRecord>(TOPICS.readings)
    const parked = (await all<UnclaimedRecord>(TOPICS.unclaimed)).map(({ reading }) => reading.ts)
    expect(new Set([...replayed, ...live].map(({ ts }) => ts)).size).toBe(150)
    // What was parked before the claim came back by the replay; nothing was parked after it.
    for (const ts of parked) expect(replayed.map((reading) => reading.ts)).toContain(ts)
    expect(replayed.every((reading) => reading.replayId === 'r1' && reading.rawRef.revision === 1)).toBe(true)
    expect((await all<ReplayProgressRecord>(TOPICS.replays)).at(-1)).toMatchObject({ state: 'done' })
  })

  it('replays claims of a connection that wait in one pass, each with its own messages', async () => {
    const names = ['first', 'second', 'third', 'fourth']
    let half = 0
    for (let index = 0; index < 20; index++) {
      // The log's own clock says where a time lies in it.
      if (index === 10) await sleep(20).then(() => (half = Date.now() - 10))
      for (const name of names) await send(message(name, T0 + index))
    }
    await drained()
    for (const [at, name] of names.entries())
      registry.apply({ version: 2 + at, at: T0, tenantId, type: 'device.upserted', device: device(`d-${name}`, name) })
    const read = vi.spyOn(log, 'read')
    const claim = (at: number, from?: number) =>
      replay({
        connectionId,
        replayId: `r-${at}` as ReplayId,
        revision: 1 + at,
        link: { externalId: names[at]!, deviceId: `d-${names[at]!}` as DeviceId },
        ...(from !== undefined && { from }),
      })
    // The first has begun, and the others wait for it.
    const first = claim(0)
    await vi.waitFor(() => expect(read).toHaveBeenCalled(), { interval: 1 })
    await Promise.all([first, claim(1), claim(2, half), claim(3)])
    expect(read).toHaveBeenCalledTimes(2)
    const of = (at: number) => replayed.filter(({ replayId }) => replayId === `r-${at}`)
    const times = Array.from({ length: 20 }, (_, index) => T0 + index)
    for (const at of [0, 1, 3]) expect(of(at).map(({ ts }) => ts)).toEqual(times)
    expect(of(2).map(({ ts }) => ts)).toEqual(times.slice(10))
    for (const at of names.keys())
      expect(new Set(of(at).map(({ deviceId }) => deviceId))).toEqual(new Set([`d-${names[at]!}`]))
    // Of what is taken back, each has its own part, and none may be older than the readings.
    expect(new Set(chunks.map(({ deviceId, revision }) => `${deviceId!} ${revision}`))).toEqual(
      new Set(['d-first 1', 'd-second 4', 'd-third 4', 'd-fourth 4']),
    )
    expect(replayed.every(({ deviceId, rawRef }) => rawRef.revision === (deviceId === 'd-first' ? 1 : 4))).toBe(true)
    const said = await all<ReplayProgressRecord>(TOPICS.replays)
    for (const at of names.keys())
      expect(said.filter(({ replayId }) => replayId === `r-${at}`).at(-1)).toMatchObject({ state: 'done' })
  })

  it('replays one dead letter alone', async () => {
    await send(message('known', T0))
    const { partition, offset } = await send(message('known', T0 + 5))
    await drained()
    await replay({ message: { partition, offset } })
    expect(replayed).toMatchObject([{ ts: T0 + 5 }])
    expect(chunks).toMatchObject([{ connectionId, fromOffset: offset, toOffset: offset + 1, revision: 1 }])
  })

  it('goes on after a restart without decoding twice what was checkpointed', async () => {
    await send(message('known', T0))
    await drained()
    await close()
    await open()
    await send(message('known', T0 + 1))
    await drained()
    expect((await all<ReadingRecord>(TOPICS.readings)).map(({ ts }) => ts)).toEqual([T0, T0 + 1])
  })

  it('gives the same readings for the same messages, however they are batched', async () => {
    const bodies = Array.from({ length: 40 }, (_, index) =>
      message(index % 3 ? 'known' : 'stranger', T0 + (index % 7), index),
    )
    for (const body of bodies) await send(body)
    await drained()
    await replay({ connectionId })
    const last = (records: ReadingRecord[]) =>
      new Map(records.map((reading) => [reading.ts, reading.metrics.ac_power_w]))
    const live = last(await all<ReadingRecord>(TOPICS.readings))
    expect(last(replayed)).toEqual(live)
  })
})

function site(id: string) {
  return {
    id: id as SiteId,
    tenantId,
    name: id,
    customerId: 'c' as CustomerId,
    orgUnitId: 'o' as OrgUnitId,
    timezone: 'Europe/Berlin',
  }
}
function device(id: string, externalId: string): RegistryDevice {
  return {
    id: id as DeviceId,
    tenantId,
    siteId: 's1' as SiteId,
    name: id,
    kind: 'inverter',
    vendor: 'native',
    serial: id,
    roles: [{ role: 'production', from: 0 }],
    links: [{ connectionId, externalId, from: 0 }],
    sites: [{ siteId: 's1' as SiteId, from: 0 }],
  }
}
