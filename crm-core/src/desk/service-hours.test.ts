import { describe, expect, it } from 'vitest'
import { afterService, serviceBetween } from './service-hours.ts'
import { worthOf } from './promises.ts'

const HOUR = 3_600_000
const at = (text: string): number => Date.parse(text)

describe('hours of a promise', () => {
  it.each([
    // 2026-06-05 is a Friday; Berlin is two hours ahead of UTC.
    ['around the clock', '2026-06-05T20:00:00Z', 8, 'always', 'Europe/Berlin', '2026-06-06T04:00:00Z'],
    ['within one day', '2026-06-05T08:00:00Z', 4, 'weekdays', 'Europe/Berlin', '2026-06-05T12:00:00Z'],
    ['over the weekend', '2026-06-05T15:00:00Z', 4, 'weekdays', 'Europe/Berlin', '2026-06-08T09:00:00Z'],
    ['opened on a Sunday', '2026-06-07T12:00:00Z', 2, 'weekdays', 'Europe/Berlin', '2026-06-08T08:00:00Z'],
    ['opened before the day begins', '2026-06-05T03:00:00Z', 1, 'weekdays', 'Europe/Berlin', '2026-06-05T07:00:00Z'],
    ['the very end of a shift', '2026-06-05T15:00:00Z', 1, 'weekdays', 'Europe/Berlin', '2026-06-05T16:00:00Z'],
    // Clocks go forward on Sunday, 2026-03-29: Friday ends at 17:00 UTC, Monday begins at 06:00 UTC.
    ['across summer time', '2026-03-27T16:30:00Z', 1, 'weekdays', 'Europe/Berlin', '2026-03-30T06:30:00Z'],
    ['a zone of half an hour', '2026-06-05T12:00:00Z', 1, 'weekdays', 'Asia/Kolkata', '2026-06-08T03:00:00Z'],
    // Friday there is still Thursday in UTC.
    ['beyond the date line', '2026-06-04T20:00:00Z', 10, 'weekdays', 'Pacific/Kiritimati', '2026-06-07T20:00:00Z'],
  ] as const)('%s', (_name, start, hours, kind, zone, end) => {
    expect(new Date(afterService(at(start), hours * HOUR, kind, zone)).toISOString()).toBe(
      new Date(at(end)).toISOString(),
    )
    expect(serviceBetween(at(start), at(end), kind, zone)).toBe(hours * HOUR)
  })
  it('counts nothing backwards, and nothing on a weekend', () => {
    expect(serviceBetween(5, 3, 'always', 'UTC')).toBe(0)
    expect(serviceBetween(at('2026-06-06T00:00:00Z'), at('2026-06-07T23:00:00Z'), 'weekdays', 'UTC')).toBe(0)
  })
})

describe('worth of a loss', () => {
  it.each([
    [1_234_567, '0.0821', 'EUR', 10_136],
    [1_000, '0.005', 'EUR', 1],
    [1_000, '0.0049', 'EUR', 0],
    [1_000_000, '95.5', 'CLP', 95_500],
    [1_000_000, '0.0305', 'KWD', 30_500],
    [1e12, '0.12345678', 'USD', 12_345_678_000],
    [0, '0.3', 'EUR', 0],
  ])('%d Wh at %s %s', (wh, tariffPerKwh, tariffCurrency, amount) => {
    expect(worthOf(wh, { tariffPerKwh, tariffCurrency })).toEqual({ amount, currency: tariffCurrency })
  })
  it('is not known without a tariff', () => {
    expect(worthOf(5, { tariffPerKwh: null, tariffCurrency: null })).toBeUndefined()
  })
})
