import { describe, expect, it } from 'vitest'
import { daylightMs, isDaylight, refractionDeg, sunPosition } from './sun-position.ts'

describe('sun position', () => {
  it('agrees with the published example of the solar position algorithm', () => {
    // NREL/TP-560-34302 (Reda and Andreas 2004), table A5.1: Golden at 820 hPa and 11 °C; zenith 50.11162 with refraction.
    const position = sunPosition(Date.parse('2003-10-17T19:30:30Z'), 39.742476, -105.1786)
    const seen = position.elevationDeg + refractionDeg(position.elevationDeg, 820, 11)
    expect(Math.abs(90 - seen - 50.11162)).toBeLessThan(0.005)
    expect(Math.abs(90 - position.elevationDeg - 50.11162)).toBeLessThan(0.02)
    expect(Math.abs(position.azimuthDeg - 194.34024)).toBeLessThan(0.005)
  })
  it.each([
    // NREL's SPA at sea level, 1013.25 hPa, 12 °C: elevation, azimuth, elevation with refraction.
    ['2026-06-21T10:00:00Z', 52.52, 13.405, 58.14546, 149.36326, 58.15592],
    ['2026-12-21T00:30:00Z', -36.85, 174.76, 76.36883, 349.02391, 76.37289],
    ['2026-03-20T06:15:00Z', 27.7172, 85.324, 62.01194, 174.01887, 62.02089],
    ['2030-09-01T22:45:00Z', -13.83, -171.76, 65.82933, 26.08405, 65.83688],
    ['2020-02-29T15:00:00Z', -33.45, -70.67, 52.94607, 52.35298, 52.95878],
    ['2026-01-15T07:40:00Z', 48.1, 11.6, 4.74936, 129.3165, 4.91626],
  ])('agrees with tables at %s', (time, latitude, longitude, elevation, azimuth, seen) => {
    const position = sunPosition(Date.parse(time), latitude, longitude)
    expect(Math.abs(position.elevationDeg - elevation)).toBeLessThan(0.005)
    expect(Math.abs(position.azimuthDeg - azimuth)).toBeLessThan(0.01)
    expect(Math.abs(position.elevationDeg + refractionDeg(position.elevationDeg) - seen)).toBeLessThan(0.006)
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
