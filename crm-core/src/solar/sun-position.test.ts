import { describe, expect, it } from 'vitest'
import { daylightMs, isDaylight, sunPosition } from './sun-position.ts'

describe('sun position', () => {
  it.each([
    // NREL SPA report (Reda and Andreas 2004), table A5: Golden, 2003-10-17 12:30:30 at UTC-7; zenith 50.11162, azimuth 194.34024
    ['2003-10-17T19:30:30Z', 39.742476, -105.1786, 90 - 50.11162, 194.34024],
  ])('agrees with published tables at %s', (time, latitude, longitude, elevation, azimuth) => {
    const position = sunPosition(Date.parse(time), latitude, longitude)
    expect(Math.abs(position.elevationDeg - elevation)).toBeLessThan(0.03)
    expect(Math.abs(position.azimuthDeg - azimuth)).toBeLessThan(0.03)
  })

  it('knows day from night, also where the place is unknown', () => {
    const berlin = { latitude: 52.5, longitude: 13.4, timezone: 'Europe/Berlin' }
    expect(isDaylight(Date.parse('2026-06-21T11:00Z'), berlin)).toBe(true)
    expect(isDaylight(Date.parse('2026-06-21T23:00Z'), berlin)).toBe(false)
    expect(isDaylight(Date.parse('2026-06-21T23:00Z'), { timezone: 'Pacific/Auckland' })).toBe(true)
  })

  it('counts only daylight as silence', () => {
    const berlin = { latitude: 52.5, longitude: 13.4, timezone: 'Europe/Berlin' }
    const day = daylightMs(Date.parse('2026-03-20T00:00Z'), Date.parse('2026-03-21T00:00Z'), berlin) / 3_600_000
    expect(day).toBeGreaterThan(10.5)
    expect(day).toBeLessThan(12.5)
    expect(daylightMs(Date.parse('2026-03-20T21:00Z'), Date.parse('2026-03-21T04:00Z'), berlin)).toBe(0)
  })
})
