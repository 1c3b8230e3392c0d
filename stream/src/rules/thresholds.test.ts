import { expect, test } from 'vitest'
import { DEFAULT_THRESHOLDS, type ExpectedNow, type Thresholds } from '@heliograph/crm-core/contracts'
import type { SiteView } from '../alarms/rule.ts'
import { deviceSilent } from './device-silent.ts'
import { underperformance } from './underperformance.ts'

const MINUTE = 60_000
/** Noon in June: daylight all around. */
const NOON = Date.parse('2026-06-21T11:00:00Z')
const view = (silentFor: number, thresholds?: Thresholds, performanceNow = 1): SiteView =>
  ({
    site: { id: 's', tenantId: 't', name: 'Roof', timezone: 'Europe/Berlin', latitude: 48, longitude: 8 },
    now: NOON,
    ...(thresholds && { thresholds }),
    devices: [
      {
        device: { id: 'd', name: 'Inverter' },
        state: { receivedAt: NOON - silentFor },
        stale: false,
        intervalMs: 5 * MINUTE,
      },
    ],
    expected: {
      expectedState: 'under',
      expectedSource: 'irradiance',
      underSince: NOON - 5 * 60 * MINUTE,
      performanceNow,
    } as ExpectedNow,
  }) as unknown as SiteView

test('a device is silent after three intervals, unless the company says otherwise', () => {
  const silent = (ms: number, thresholds?: Partial<Thresholds>) =>
    deviceSilent.judge(view(ms, thresholds && { ...DEFAULT_THRESHOLDS, ...thresholds })).active.length
  expect([silent(14 * MINUTE), silent(16 * MINUTE)]).toEqual([0, 1])
  expect(silent(16 * MINUTE, { silenceIntervals: 6 })).toBe(0)
  expect(silent(31 * MINUTE, { silenceIntervals: 6 })).toBe(1)
  expect(silent(31 * MINUTE, { silenceMinutes: 60 })).toBe(0)
})

test('a site underperforms from the share and the hours on that the company says', () => {
  const active = (performance: number, percent?: number) =>
    underperformance.judge(
      view(
        0,
        percent === undefined ? undefined : { ...DEFAULT_THRESHOLDS, underperformancePercent: percent },
        performance,
      ),
    ).active.length
  expect([active(0.9), active(0.8)]).toEqual([0, 1])
  expect([active(0.8, 30), active(0.9, 8)]).toEqual([0, 1])
  const delay = underperformance.raiseAfterMs
  if (typeof delay === 'number') throw new Error('the delay follows the company')
  expect(delay(view(0))).toBe(3 * 60 * MINUTE)
  expect(delay(view(0, { ...DEFAULT_THRESHOLDS, underperformanceHours: 1 }))).toBe(60 * MINUTE)
})
