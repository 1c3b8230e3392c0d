import { expect, test } from 'vitest'
import type { PartStatus } from '../deps.ts'
import { createStatusHistory } from './status-history.ts'

test('the last half hour of every part is remembered, and no more', async () => {
  let at = Date.parse('2026-06-01T00:00:00Z')
  let lag: number | null = 0
  const parts = (): Promise<PartStatus[]> => Promise.resolve([{ name: 'store', state: 'ok', lag }])
  const history = createStatusHistory({ parts, now: () => at })
  expect(history.read()).toEqual([])
  for (let round = 0; round < 200; round++) {
    lag = round === 199 ? null : round
    await history.sample()
    at += 10_000
  }
  const [store] = history.read()
  expect(store?.points).toHaveLength(180)
  expect(store?.points[0]).toMatchObject({ lag: 20, state: 'ok' })
  // What was not known is not zero.
  expect(store?.points.at(-1)?.lag).toBeNull()
})
