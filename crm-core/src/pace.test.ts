import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Pace } from './pace.ts'

const INTERVAL_MS = 200

function paced() {
  const acts: number[] = []
  return { acts, pace: new Pace(INTERVAL_MS, () => acts.push(performance.now())) }
}

it('acts at once after a quiet time, and once for all that was asked for in one turn', async () => {
  const { acts, pace } = paced()
  const askedAt = performance.now()
  pace.soon()
  pace.soon()
  await sleep(INTERVAL_MS / 2)
  expect(acts).toHaveLength(1)
  expect(acts[0]! - askedAt).toBeLessThan(INTERVAL_MS / 2)
})

it('acts again no sooner than the interval allows, and not without being asked', async () => {
  const { acts, pace } = paced()
  const end = performance.now() + 5 * INTERVAL_MS
  while (performance.now() < end) {
    pace.soon()
    await sleep(5)
  }
  await sleep(INTERVAL_MS * 2)
  const count = acts.length
  expect(count).toBeGreaterThan(2)
  for (const [index, at] of acts.entries())
    if (index > 0) expect(at - acts[index - 1]!).toBeGreaterThanOrEqual(INTERVAL_MS - 2)
  await sleep(INTERVAL_MS * 2)
  expect(acts).toHaveLength(count)
})

it('can be asked while it acts, and forgets what is asked for when it is stopped', async () => {
  let acts = 0
  const pace: Pace = new Pace(20, () => {
    acts++
    if (acts < 3) pace.soon()
  })
  pace.soon()
  await expect.poll(() => acts).toBe(3)
  pace.soon()
  pace.stop()
  await sleep(100)
  expect(acts).toBe(3)
})
