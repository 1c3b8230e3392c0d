import { expect, test } from 'vitest'
import { HOUR } from '#lib/format/times.ts'
import { newestHour, type ToldHour } from './weather.ts'

const hour = (ts: string, told: Partial<ToldHour> = {}): ToldHour => ({
  ts,
  ghiWm2: 412,
  ambientC: 17.5,
  windMs: 3,
  ...told,
})
const noon = '2026-06-01T12:00:00.000Z'

test('the newest hour is told, without what the site measures itself', () => {
  const told = newestHour([hour('2026-06-01T11:00:00.000Z', { ghiWm2: 1 }), hour(noon)], ['ambient_temp_c'])
  expect(told?.from).toBe(Date.parse(noon))
  expect(told?.values).toEqual([
    { label: 'Global irradiance', value: 412, unit: 'W/m²' },
    { label: 'Wind speed', value: 3, unit: 'm/s' },
  ])
})
test('what the service left out is not shown as zero', () => {
  expect(newestHour([hour(noon, { ambientC: null, windMs: null })], [])?.values).toHaveLength(1)
  expect(newestHour([hour(noon, { ambientC: null })], ['irradiance_wm2', 'wind_ms'])).toBeUndefined()
})
test('nothing told is nothing shown, and a service that fell silent is old', () => {
  expect(newestHour([], [])).toBeUndefined()
  const told = newestHour([hour(noon)], [])
  expect(told?.isOld(Date.parse(noon) + 3 * HOUR)).toBe(false)
  expect(told?.isOld(Date.parse(noon) + 5 * HOUR)).toBe(true)
})
