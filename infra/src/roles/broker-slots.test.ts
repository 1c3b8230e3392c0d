import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openTestCrm, type TestCrm } from '../crm/open-for-test.ts'
import { type BrokerSlots, createBrokerSlots, type Slot } from './broker-slots.ts'

const LIMIT_MS = 60_000

describe('work on brokers among several processes', { timeout: 2 * LIMIT_MS }, () => {
  let test: TestCrm
  let made: BrokerSlots[] = []
  beforeAll(async () => {
    test = await openTestCrm()
  })
  afterEach(async () => {
    for (const each of made) await each.stop()
    made = []
  })
  afterAll(() => test.stop())

  const worker = async (): Promise<BrokerSlots> => {
    const slots = await createBrokerSlots({ crmUrl: test.url })
    made.push(slots)
    return slots
  }
  const names = (slots: readonly Slot[]) => slots.map(({ connectionId, slot }) => `${connectionId}/${slot}`).sort()
  /** Asks as a process does, until it holds so much. */
  async function holding(slots: BrokerSlots, wanted: Slot[], count: number): Promise<string[]> {
    for (const until = performance.now() + LIMIT_MS; performance.now() < until; await sleep(200)) {
      const held = await slots.hold(wanted)
      if (held.length === count) return names(held)
    }
    throw new Error(`does not come to hold ${count}`)
  }

  it('a connection has one process; another takes over where that one ends', async () => {
    const wanted = [{ connectionId: 'one', slot: 0 }]
    const [first, second] = [await worker(), await worker()]
    expect(names(await first.hold(wanted))).toEqual(['one/0'])
    expect(await second.hold(wanted)).toEqual([])
    expect(names(await first.hold(wanted))).toEqual(['one/0'])
    await first.stop()
    expect(await holding(second, wanted, 1)).toEqual(['one/0'])
  })

  it('or dies', async () => {
    const wanted = [{ connectionId: 'dead', slot: 0 }]
    const [first, second] = [await worker(), await worker()]
    await first.hold(wanted)
    // It says nothing more.
    const began = performance.now()
    expect(await holding(second, wanted, 1)).toEqual(['dead/0'])
    expect(performance.now() - began).toBeGreaterThan(5_000)
    expect(await first.hold(wanted)).toEqual([])
  })

  it('workers of one connection are spread, and one process does all where it is alone', async () => {
    const wanted = [0, 1].map((slot) => ({ connectionId: 'two', slot }))
    const [first, second] = [await worker(), await worker()]
    expect(names(await first.hold(wanted))).toEqual(['two/0'])
    expect(names(await second.hold(wanted))).toEqual(['two/1'])
    await second.stop()
    expect(await holding(first, wanted, 2)).toEqual(['two/0', 'two/1'])
    // Another one comes, and stands idle.
    const third = await worker()
    expect(await third.hold(wanted)).toEqual([])
    await first.spare('two')
    expect(await holding(third, wanted, 1)).toEqual(['two/1'])
    expect(names(await first.hold(wanted))).toEqual(['two/0'])
    await first.spare('two')
    expect(names(await first.hold(wanted))).toEqual(['two/0'])
  })

  it('what is wanted no longer is given back', async () => {
    const wanted = [{ connectionId: 'gone', slot: 0 }]
    const [first, second] = [await worker(), await worker()]
    await first.hold(wanted)
    expect(await first.hold([])).toEqual([])
    expect(names(await second.hold(wanted))).toEqual(['gone/0'])
  })
})
