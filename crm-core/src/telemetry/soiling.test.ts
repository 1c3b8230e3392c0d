import { describe, expect, it } from 'vitest'
import type { CalibrationDay } from './expected-calibration.ts'
import { addDays } from './local-time.ts'
import { soilingOf } from './soiling.ts'

const TODAY = '2026-07-01'
/** Clear days, some left out as weather does. @param level of the day that is so many days ago */
function days(
  level: (ago: number) => number,
  basis: CalibrationDay['basis'] = 'clear-sky',
  every = 2,
): CalibrationDay[] {
  const found: CalibrationDay[] = []
  for (let ago = 60; ago >= 1; ago--)
    if (ago % every === 0 || ago % 5 === 1)
      found.push({ date: addDays(TODAY, -ago), ratio: level(ago) * wobble(ago), intervals: 3, basis })
  return found
}
/** What figures of clear days scatter by. */
const wobble = (ago: number): number => 1 + 0.008 * Math.sin(ago * 7.3)
const steadyPeers = [0.95, 1.02, 0.9].map((level) => days(() => level))
/** Clean until `from` days ago, then so much less every day. */
const falling =
  (from: number, perDay: number) =>
  (ago: number): number =>
    0.98 * (1 - perDay * Math.max(0, from - ago))

describe('dirt on modules', () => {
  it('is a slow, steady fall over weeks against the neighbours', () => {
    const found = soilingOf(TODAY, days(falling(30, 0.006)), steadyPeers)!
    expect(found.steady).toBe(true)
    expect(found.loss).toBeGreaterThan(0.13)
    expect(found.loss).toBeLessThan(0.19)
    expect(found.since > '2026-05-25' && found.since < '2026-06-10').toBe(true)
  })
  it('needs no neighbours where the site has a sensor of its own, and is never told by a clear sky alone', () => {
    expect(soilingOf(TODAY, days(falling(30, 0.006), 'irradiance'), [])).toMatchObject({ steady: true })
    expect(soilingOf(TODAY, days(falling(30, 0.006)), [])).toBeUndefined()
    expect(soilingOf(TODAY, days(falling(30, 0.006)), steadyPeers.slice(0, 1))).toBeUndefined()
  })
  it.each([
    ['a clean site', days(() => 0.97), steadyPeers],
    [
      'haze that lies on all of them',
      days(falling(30, 0.006)),
      [0.95, 1.02, 0.9].map((level) => days((ago) => level * falling(30, 0.006)(ago))),
    ],
    ['a string that died', days((ago) => (ago < 20 ? 0.75 : 0.98)), steadyPeers],
    ['a tree that grows over the seasons', days(falling(60, 0.0012)), steadyPeers],
    ['three bad days', days((ago) => (ago <= 6 ? 0.98 - 0.05 * (7 - ago) : 0.98)), steadyPeers],
    ['dust that was washed off', days((ago) => (ago > 8 ? falling(40, 0.006)(ago) : 0.98)), steadyPeers],
  ])('is not %s', (_name, own, peers) => {
    const found = soilingOf(TODAY, own, peers)!
    expect(found.steady && found.loss >= 0.08).toBe(false)
  })
  it('is gone two clear days after the rain, and begins anew from there', () => {
    const washed = (on: number) => days((ago) => (ago <= on ? 0.98 : falling(40, 0.006)(ago)), 'irradiance', 1)
    expect(soilingOf(TODAY, washed(1), [])!.loss).toBeGreaterThan(0.1)
    expect(soilingOf(TODAY, washed(2), [])!.loss).toBeLessThan(0.04)
    const again = days((ago) => (ago > 25 ? falling(60, 0.004)(ago) : falling(25, 0.006)(ago)), 'irradiance')
    expect(soilingOf(TODAY, again, [])).toMatchObject({ steady: true })
    expect(soilingOf(TODAY, again, [])!.since > '2026-06-05').toBe(true)
  })
  it('says nothing of a site that was not seen under a clear sky for weeks', () => {
    expect(
      soilingOf(
        TODAY,
        days(falling(60, 0.006)).filter(({ date }) => date < '2026-06-05'),
        steadyPeers,
      ),
    ).toBeUndefined()
    expect(soilingOf(TODAY, days(falling(30, 0.006)).slice(-4), steadyPeers)).toBeUndefined()
  })
})
