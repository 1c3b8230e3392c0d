import type { DeadLetterRecord, DeviceId, ReadingRecord, ReplayChunk, Warehouse } from '@heliograph/crm-core/contracts'
import { decodeRecord, WarehouseError } from '@heliograph/crm-core/contracts'
import { describe, expect, it } from 'vitest'
import { NewestReadings } from './newest-readings.ts'
import { joined, rangesOf, type ReplayEffects, ReplayStore } from './replay-store.ts'

const HOUR = 3_600_000
const reading = (deviceId: string, ts: number, changes: Partial<ReadingRecord> = {}) =>
  ({
    tenantId: 't1',
    siteId: 's1',
    deviceId,
    ts,
    receivedAt: ts,
    source: 'native',
    metrics: { ac_power_w: 1 },
    quality: [],
    rawRef: { connectionId: 'k1', partition: 0, offset: ts, revision: 1 },
    ...changes,
  }) as ReadingRecord
const chunk = (fromOffset: number, toOffset: number, changes: object = {}) =>
  ({
    tenantId: 't1',
    connectionId: 'k1',
    partition: 0,
    fromOffset,
    toOffset,
    revision: 1,
    ...changes,
  }) as ReplayChunk
const { signal } = new AbortController()

/** A store that keeps rows, fails on demand, and says what tombstones were asked for. */
function create(fail: { inserts?: Error[]; refuse?(row: { ts: number }): boolean } = {}) {
  const rows: { ts: number }[] = []
  const looks: string[] = []
  const effects: ReplayEffects[] = []
  const letters: DeadLetterRecord[] = []
  const errors: unknown[] = []
  const refuse = (some: readonly { ts: number }[]): void => {
    if (fail.refuse && some.some(fail.refuse)) throw new WarehouseError('warehouse_rejected', 'no such value')
  }
  const warehouse = {
    encode: (_: string, some: readonly { ts: number }[]) => [{ rows: some.length, kept: some }],
    insert(_: string, some: readonly ({ ts: number } | { kept: { ts: number }[] })[]) {
      const error = fail.inserts?.shift()
      if (error) return Promise.reject(error)
      const flat = some.flatMap((one) => ('kept' in one ? one.kept : [one]))
      try {
        refuse(flat)
      } catch (refusal) {
        return Promise.reject(refusal as Error)
      }
      rows.push(...flat)
      return Promise.resolve()
    },
    query({ text }: { text: string }) {
      looks.push(text)
      return Promise.resolve([])
    },
  } as unknown as Warehouse
  const store = new ReplayStore({
    warehouse,
    deadLetters: {
      append(records) {
        letters.push(...records.map(({ value }) => decodeRecord<DeadLetterRecord>(value)))
        return Promise.resolve({ partition: 0, offset: 0 })
      },
      pendingBytes: 0,
    },
    stored: (effect) => effects.push(effect),
    onError: (error) => errors.push(error),
  })
  return { store, rows, looks, effects, letters, errors }
}
const sum = (effects: ReplayEffects[], what: 'rows' | 'refused') => effects.reduce((all, one) => all + one[what], 0)

describe('the store of replays', () => {
  it('stores what it was given and looks once for what is no more', async () => {
    const { store, rows, looks, effects } = create()
    await store.put([reading('d1', 1), reading('d1', 2)], [chunk(0, 10)], signal)
    await store.put([reading('d2', 3)], [chunk(10, 20)], signal)
    expect(rows).toEqual([])
    await store.settled(signal)
    expect(rows.map(({ ts }) => ts)).toEqual([1, 2, 3])
    expect(looks).toHaveLength(1)
    expect(sum(effects, 'rows')).toBe(3)
    expect(effects.flatMap(({ touched }) => touched)).toEqual([
      { deviceId: 'd1', from: 1, to: 3 },
      { deviceId: 'd2', from: 3, to: 4 },
    ])
    expect(effects.at(-1)!.newest.map(({ ts }) => ts)).toEqual([1, 2, 3])
  })

  it('begins to store a long replay while it is still decoded', async () => {
    const { store, effects } = create()
    for (let at = 0; at < 25_000; at += 1_000)
      await store.put(
        Array.from({ length: 1_000 }, (_, index) => reading('d1', at + index)),
        [chunk(at, at + 1_000)],
        signal,
      )
    expect(sum(effects, 'rows')).toBeGreaterThan(0)
    await store.settled(signal)
    expect(sum(effects, 'rows')).toBe(25_000)
  })

  it('tries again until the store is back, and tells it once', async () => {
    const { store, rows, effects, errors } = create({
      inserts: [new WarehouseError('warehouse_unavailable', 'away')],
    })
    await store.put([reading('d1', 1)], [chunk(0, 10)], signal)
    await store.settled(signal)
    expect(errors).toHaveLength(1)
    expect(rows).toHaveLength(1)
    expect(sum(effects, 'rows')).toBe(1)
  })

  it('keeps a row that the engine refuses as a dead letter, and stores the others', async () => {
    const { store, rows, effects, letters } = create({ refuse: ({ ts }) => ts === 3 })
    await store.put(
      [1, 2, 3, 4, 5].map((ts) => reading('d1', ts)),
      [chunk(0, 10)],
      signal,
    )
    await store.settled(signal)
    expect(rows.map(({ ts }) => ts).sort()).toEqual([1, 2, 4, 5])
    expect(letters).toMatchObject([{ reason: 'store-refused', detail: 'no such value', rawRef: { offset: 3 } }])
    expect([sum(effects, 'rows'), sum(effects, 'refused')]).toEqual([4, 1])
  })

  it('lets go when it is told to stop', async () => {
    const stopping = new AbortController()
    const away = Array.from({ length: 100 }, () => new WarehouseError('warehouse_unavailable', 'away'))
    const { store, effects } = create({ inserts: away })
    await store.put([reading('d1', 1)], [chunk(0, 10)], stopping.signal)
    const settled = store.settled(stopping.signal)
    stopping.abort(new Error('stopping'))
    await expect(settled).rejects.toThrow('stopping')
    expect(effects).toEqual([])
  })
})

describe('joined stretches', () => {
  it('are one where they follow each other in one connection and partition', () => {
    expect(joined([chunk(0, 10), chunk(10, 20), chunk(25, 30)])).toEqual([chunk(0, 20), chunk(25, 30)])
    expect(joined([chunk(0, 10), chunk(10, 20, { connectionId: 'k2' }), chunk(10, 12)])).toEqual([
      chunk(0, 12),
      chunk(10, 20, { connectionId: 'k2' }),
    ])
    expect(joined([chunk(0, 10), chunk(10, 20, { revision: 2 })])).toHaveLength(2)
    expect(joined([chunk(0, 10), chunk(10, 20, { deviceId: 'd1' })])).toHaveLength(2)
  })
})

describe('ranges of readings', () => {
  it('follow a device over its gaps, in whatever order', () => {
    expect(rangesOf([reading('d1', 5), reading('d2', 7), reading('d1', 3), reading('d1', 3 * HOUR)])).toEqual([
      { deviceId: 'd1', from: 3, to: 6 },
      { deviceId: 'd2', from: 7, to: 8 },
      { deviceId: 'd1', from: 3 * HOUR, to: 3 * HOUR + 1 },
    ])
  })
})

describe('newest readings', () => {
  const taken = (readings: ReadingRecord[]) => {
    const newest = new NewestReadings()
    for (const one of readings) newest.take(one)
    return newest.drain().map(({ deviceId, ts }) => [deviceId, ts])
  }
  it('are the last few of each of a few devices, in order of time', () => {
    expect(taken([5, 1, 12, 3, 2, 4, 11, 10, 9, 8, 7, 6].map((ts) => reading('d1', ts)))).toEqual(
      [5, 6, 7, 8, 9, 10, 11, 12].map((ts) => ['d1', ts]),
    )
  })
  it('are the last one of each device of a fleet', () => {
    const fleet = Array.from({ length: 300 }, (_, index) => `d${index}` as DeviceId)
    const readings = [1, 2, 3].flatMap((ts) => fleet.map((device) => reading(device, ts)))
    expect(new Map(taken(readings) as [DeviceId, number][])).toEqual(new Map(fleet.map((device) => [device, 3])))
    expect(taken(readings).length).toBeLessThan(600)
  })
  it('leave out what was brought in on purpose', () => {
    expect(taken([reading('d1', 1), reading('d1', 2, { quality: ['backfill'] })])).toEqual([['d1', 1]])
  })
})
