import { describe, expect, it } from 'vitest'
import { Plant, sunHeight } from './plant.ts'

const NOON = Date.UTC(2026, 5, 21, 12)
const MIDNIGHT = Date.UTC(2026, 5, 21, 0)

describe('a simulated plant', () => {
  it('follows the sun: nothing at night, most around noon, never above its inverter', () => {
    const plant = new Plant({ seed: 1, index: 3, longitude: 0 })
    expect(plant.powerW(MIDNIGHT)).toBe(0)
    expect(plant.powerW(NOON)).toBeGreaterThan(plant.peakPowerW * 0.2)
    for (let ts = MIDNIGHT; ts < MIDNIGHT + 86_400_000; ts += 60_000)
      expect(plant.powerW(ts)).toBeLessThanOrEqual(plant.peakPowerW * 0.9)
    // Midsummer at 48° north: 90 - 48 + 23.45 degrees.
    expect(sunHeight(NOON, 48, 0)).toBeCloseTo(Math.sin((65.45 * Math.PI) / 180), 2)
  })

  it('is the same for the same seed, and another for another', () => {
    const day = (seed: number): number[] => {
      const plant = new Plant({ seed, index: 7, longitude: 10 })
      return Array.from({ length: 96 }, (_, quarter) => plant.sample(MIDNIGHT + quarter * 900_000).acPowerW)
    }
    expect(day(5)).toEqual(day(5))
    expect(day(5)).not.toEqual(day(6))
  })

  it('has a counter that rises with its power and never falls, until it is reset', () => {
    const plant = new Plant({ seed: 1, index: 0, longitude: 0 })
    let last = plant.sample(MIDNIGHT).energyTotalWh
    const first = last
    let area = 0
    for (let ts = MIDNIGHT + 60_000; ts <= MIDNIGHT + 86_400_000; ts += 60_000) {
      const sample = plant.sample(ts)
      expect(sample.energyTotalWh).toBeGreaterThanOrEqual(last)
      last = sample.energyTotalWh
      area += sample.acPowerW / 60
    }
    expect(last - first).toBeGreaterThan(plant.peakPowerW)
    expect(Math.abs(last - first - area)).toBeLessThan(5)
    plant.resetCounter()
    expect(plant.sample(MIDNIGHT + 86_460_000).energyTotalWh).toBeLessThan(100)
  })
})
