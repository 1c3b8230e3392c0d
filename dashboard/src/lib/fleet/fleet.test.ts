import { describe, expect, it } from 'vitest'
import type { LiveSite, Site, SiteStatus } from '@heliograph/crm-core/contracts'
import { countChanges } from './held-order.ts'
import { countStatuses, filterRows, joinRows, sortRows } from './rows.ts'
import { sumFleet } from './totals.ts'

const site = (id: string, name: string, peakPowerW: number, city = 'Ulm'): Site =>
  ({ id, name, peakPowerW, customerId: `c-${id}`, status: 'unknown', timezone: 'UTC', address: { city } }) as Site
const live = (status: SiteStatus, rest: Partial<LiveSite> = {}) => ({ value: { status, ...rest } })
const sites = [
  site('a', 'Alpha', 10),
  site('b', 'Béta', 500, 'Zürich'),
  site('c', 'Gamma 10', 20),
  site('d', 'Gamma 9', 20),
  site('e', 'Echo', 5),
]
const entries = new Map([
  ['a', live('producing', { acPowerW: 5, openAlarms: 0 })],
  ['b', live('silent', { acPowerW: 50, openAlarms: 9 })],
  ['c', live('down', { acPowerW: 0, energyTodayWh: 70 })],
  ['d', live('down', {})],
])
const rows = joinRows(sites, entries, (id) => (id === 'c-e' ? 'Müller GmbH' : ''))
const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id).join('')

describe('the fleet list', () => {
  it('puts what costs most first: down before out of contact, and the larger of equals', () => {
    expect(ids(sortRows(rows, { key: 'status', down: false }))).toBe('dcbea')
    const bigger = joinRows([...sites, site('f', 'Foxtrot', 900)], new Map([...entries, ['f', live('down')]]), () => '')
    expect(ids(sortRows(bigger, { key: 'status', down: false }))).toBe('fdcbea')
  })
  it('puts absent values last either way: unknown is not zero', () => {
    expect(ids(sortRows(rows, { key: 'power', down: true }))).toBe('bacde')
    expect(ids(sortRows(rows, { key: 'power', down: false }))).toBe('cabde')
  })
  it('sorts names as people do', () => {
    expect(ids(sortRows(rows, { key: 'name', down: false }))).toBe('abedc')
  })
  it('filters by every word in name, customer or place, without accents', () => {
    expect(ids(filterRows(rows, { q: 'beta zurich', statuses: [] }))).toBe('b')
    expect(ids(filterRows(rows, { q: 'muller', statuses: [] }))).toBe('e')
    expect(ids(filterRows(rows, { q: 'gamma', statuses: ['down'] }))).toBe('cd')
    expect(ids(filterRows(rows, { q: '', statuses: ['silent', 'unknown'] }))).toBe('be')
  })
  it('counts by status', () => {
    expect(countStatuses(rows)).toEqual({ down: 2, degraded: 0, silent: 1, unknown: 1, producing: 1, idle: 0 })
  })
  it('sums what is known now and says from how many', () => {
    expect(sumFleet([...entries.values()].map((one) => one.value))).toEqual({
      powerW: 5,
      powerSites: 2,
      energyTodayWh: 70,
      energySites: 1,
      openAlarms: 9,
    })
    expect(sumFleet([]).powerW).toBeUndefined()
  })
})

describe('a held list', () => {
  it.each([
    ['nothing', 'abcd', 'abcd', 0],
    ['one row to the top', 'abcd', 'dabc', 1],
    ['two swapped', 'abcd', 'bacd', 1],
    ['turned round', 'abcd', 'dcba', 3],
    ['one came', 'abcd', 'axbcd', 1],
    ['one went', 'abcd', 'acd', 1],
    ['one came, one moved', 'abcd', 'dxabc', 2],
    ['all new', 'ab', 'cd', 4],
  ])('%s', (_name, shown, wanted, changes) => {
    expect(countChanges([...shown], [...wanted])).toBe(changes)
  })
  it('is counted for ten thousand rows in a moment', () => {
    const shown = Array.from({ length: 10_000 }, (_, index) => String(index))
    const wanted = [...shown.slice(5000), ...shown.slice(0, 5000)]
    const start = performance.now()
    expect(countChanges(shown, wanted)).toBe(5000)
    expect(performance.now() - start).toBeLessThan(200)
  })
})
