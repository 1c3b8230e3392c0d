import { expect, it } from 'vitest'
import { Histogram } from './histogram.ts'

it('tells quantiles within its two per cent, however many samples', () => {
  const histogram = new Histogram()
  for (let value = 1; value <= 100_000; value++) histogram.add(value / 100)
  for (const share of [0.5, 0.95, 0.99])
    expect(Math.abs(histogram.quantile(share) / (1_000 * share) - 1)).toBeLessThan(0.021)
  expect(histogram.summary()).toMatchObject({ count: 100_000, max: 1_000 })
  expect(new Histogram().summary()).toEqual({ count: 0, p50: 0, p95: 0, p99: 0, max: 0 })
})
