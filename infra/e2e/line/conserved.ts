import { expect } from 'vitest'
import type { ReadingItem } from './api.ts'
import type { Load } from './sender.ts'

/** Every acknowledged reading is stored, none twice, none that was not sent, each as it was sent. */
export function expectConserved(load: Load, stored: ReadingItem[]): void {
  const times = stored.map(({ ts }) => Date.parse(ts))
  const found = new Set(times)
  expect(times.length - found.size, 'doubled').toBe(0)
  expect(
    [...load.acknowledged].filter((ts) => !found.has(ts)),
    'acknowledged and lost',
  ).toEqual([])
  expect(
    times.filter((ts) => !load.offered.has(ts)),
    'never sent',
  ).toEqual([])
  expect(
    stored.filter(({ ts, metrics }) => metrics['ac_power_w'] !== Date.parse(ts) % 10_000),
    'changed',
  ).toEqual([])
  expect(load.acknowledged.size, 'enough to mean something').toBeGreaterThan(100)
}
