import { describe, expect, it } from 'vitest'
import type { LiveSite, Site, SiteStatus } from '@heliograph/crm-core/contracts'
import { countChanges } from './held-order.ts'
import { choices, equipmentOf } from './facts.ts'
import { columnsText, csvOf, readColumns } from './columns.ts'
import { siteMark, sitesMark } from '../components/marks.ts'
import { expectedTodayText } from '../format/expected.ts'
import { grouped, isGroupRow } from './groups.ts'
import {
  countNights,
  countStatuses,
  filterSites,
  fleetSites,
  sortRows,
  withChanges,
  withLive,
  withStatus,
  type ListedSite,
} from './rows.ts'
import { SiteNews } from './site-news.ts'
import { sumFleet } from './totals.ts'
import { toCsv } from '../charts/csv.ts'

const site = (id: string, name: string, peakPowerW: number, rest: Partial<Site> = {}): ListedSite =>
  ({
    id,
    name,
    peakPowerW,
    customerId: `c-${id}`,
    orgUnitId: 'u',
    status: 'unknown',
    timezone: 'UTC',
    address: { city: 'Ulm' },
    tags: [],
    ...rest,
  }) as unknown as ListedSite
const live = (status: SiteStatus, rest: Partial<LiveSite> = {}) => ({ value: { status, ...rest } })
const listed = [
  site('a', 'Alpha', 10, { tags: ['vip'] }),
  site('b', 'Béta', 500, { address: { city: 'Zürich' } }),
  site('c', 'Gamma 10', 20),
  site('d', 'Gamma 9', 20, { orgUnitId: 'v' }),
  site('e', 'Echo', 5),
]
const entries = new Map([
  ['a', live('producing', { acPowerW: 5, expectedPowerW: 6, openAlarms: 0, lossTodayWh: 900 })],
  ['b', live('silent', { acPowerW: 50, openAlarms: 9 })],
  ['c', live('down', { acPowerW: 0, energyTodayWh: 70, lossTodayWh: 0 })],
  ['d', live('down', {})],
])
const facts = {
  names: ['sma', 'fronius', '1.2'],
  sites: { a: { vendors: [0], models: [], firmwares: [2], connections: [] } },
  openTickets: { c: 2 },
}
const equipment = equipmentOf(facts)
const sitesOf = (list: readonly ListedSite[]) =>
  fleetSites(list, {
    customer: (id) => (id === 'c-e' ? 'Müller GmbH' : ''),
    unit: (id) => `Unit ${id}`,
    equipment: (id) => equipment.get(id),
    tickets: (id) => (facts.openTickets as Record<string, number>)[id] ?? 0,
  })
const sites = sitesOf(listed)
const rows = withLive(sites, entries)
const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id).join('')
const sorted = (list: readonly { id: string }[]) => [...ids(list)].sort().join('')

describe('the fleet list', () => {
  it('puts what costs most first: down before out of contact, and the larger of equals', () => {
    expect(ids(sortRows(rows, { key: 'status', down: false }))).toBe('dcbea')
    const bigger = withLive(sitesOf([...listed, site('f', 'Foxtrot', 900)]), new Map([...entries, ['f', live('down')]]))
    expect(ids(sortRows(bigger, { key: 'status', down: false }))).toBe('fdcbea')
  })
  it('sorts by loss, then by status where none is measured', () => {
    expect(ids(sortRows(rows, { key: 'loss', down: true }))).toBe('acdbe')
  })
  it('puts absent values last either way: unknown is not zero', () => {
    expect(ids(sortRows(rows, { key: 'power', down: true }))).toBe('bacde')
    expect(ids(sortRows(rows, { key: 'power', down: false }))).toBe('cabde')
  })
  it('sorts names as people do', () => {
    expect(ids(sortRows(rows, { key: 'name', down: false }))).toBe('abedc')
    expect(ids(sortRows(rows, { key: 'tickets', down: true }))[0]).toBe('c')
  })
  it('filters by every word in name, customer, place or tag, without accents', () => {
    expect(sorted(filterSites(sites, { q: 'beta zurich' }))).toBe('b')
    expect(sorted(filterSites(sites, { q: 'muller' }))).toBe('e')
    expect(sorted(filterSites(sites, { q: 'vip' }))).toBe('a')
    expect(sorted(withStatus(withLive(filterSites(sites, { q: 'gamma' }), entries), ['down']))).toBe('cd')
    expect(sorted(withStatus(rows, ['silent', 'unknown']))).toBe('be')
  })
  it('filters by what stands there, whose it is and where it belongs', () => {
    expect(sorted(filterSites(sites, { q: '', vendor: 'sma' }))).toBe('a')
    expect(sorted(filterSites(sites, { q: '', firmware: '1.2' }))).toBe('a')
    expect(sorted(filterSites(sites, { q: '', vendor: 'fronius' }))).toBe('')
    expect(sorted(filterSites(sites, { q: '', tag: 'vip' }))).toBe('a')
    expect(sorted(filterSites(sites, { q: '', customer: 'c-b' }))).toBe('b')
    expect(sorted(filterSites(sites, { q: '', units: new Set(['v']) }))).toBe('d')
    expect(choices([['a', 'b'], ['b']])).toEqual([
      { value: 'b', count: 2 },
      { value: 'a', count: 1 },
    ])
  })
  it('counts by status', () => {
    expect(countStatuses(sites, entries)).toEqual({
      down: 2,
      degraded: 0,
      silent: 1,
      unknown: 1,
      producing: 1,
      idle: 0,
    })
  })
  it('counts those that rest in the dark, not those that are down in it', () => {
    const live = (value: LiveSite) => ({ value })
    const dark = new Map([
      ['a', live({ status: 'idle', night: true })],
      ['b', live({ status: 'idle' })],
      ['c', live({ status: 'down', night: true })],
    ])
    expect(countNights(sites, dark)).toBe(1)
    expect(sitesMark('idle', 2, 1).word).toBe('Idle or night')
    expect(sitesMark('idle', 1, 1)).toEqual(siteMark('idle', true))
    expect(sitesMark('idle', 1, 0)).toEqual(siteMark('idle'))
    expect(sitesMark('down', 1, 1)).toEqual(siteMark('down', true))
  })
  it('heads groups with their sums, in the order of their first row', () => {
    const list = grouped(sortRows(rows, { key: 'status', down: false }), 'status', ({ status }) => status, 'en')
    expect(list.map((row) => (isGroupRow(row) ? `[${row.group} ${row.told.split(' · ')[0]!}]` : row.id)).join('')).toBe(
      '[down 2 sites]dc[silent 1 site]b[unknown 1 site]e[producing 1 site]a',
    )
    expect(list.find((row) => isGroupRow(row) && row.group === 'producing')).toMatchObject({
      told: '1 site · 5 W · 900 Wh lost',
    })
    expect(grouped(rows, undefined, ({ status }) => status, 'en')).toBe(rows)
  })
  it('sums what is known now and says from how many', () => {
    expect(sumFleet([...entries.values()].map((one) => one.value))).toMatchObject({
      powerW: 5,
      powerSites: 2,
      comparedPowerW: 5,
      expectedPowerW: 6,
      energyTodayWh: 70,
      energySites: 1,
      expectedTodayWh: undefined,
      lossTodayWh: 900,
      lossSites: 2,
      openAlarms: 9,
    })
    expect(sumFleet([]).powerW).toBeUndefined()
    // Energy of a morning that nothing was expected of yet is no share of what was expected since.
    expect(
      sumFleet([
        { status: 'producing', energyTodayWh: 300, comparedTodayWh: 90, expectedTodayWh: 100 },
        { status: 'producing', energyTodayWh: 50 },
      ]),
    ).toMatchObject({ energyTodayWh: 350, comparedTodayWh: 90, expectedTodayWh: 100 })
  })
  it('sets the energy of a day beside what was expected of that day, of a part of it only the share of that part', () => {
    const day: LiveSite = { status: 'producing', energyTodayWh: 300, comparedTodayWh: 298, expectedTodayWh: 310 }
    expect(expectedTodayText(day, 'en')).toBe('of 310 Wh')
    expect(expectedTodayText({ ...day, comparedTodayWh: 90, expectedTodayWh: 100 }, 'en')).toBe('90 %')
    expect(expectedTodayText({ ...day, comparedTodayWh: 0, expectedTodayWh: 0 }, 'en')).toBe('')
    expect(expectedTodayText({ status: 'producing', energyTodayWh: 300 }, 'en')).toBe('')
    expect(expectedTodayText(undefined, 'en')).toBe('')
  })
  it('exports what is shown: exact numbers, nothing for what is not known, no formula', () => {
    const evil = withLive(
      sitesOf([site('x', '=HYPERLINK("http://evil.test")', 1, { tags: ['@now', '+1'] })]),
      new Map(),
    )
    const { head, rows: cells } = csvOf(
      [...evil, rows.find(({ id }) => id === 'a')!],
      ['name', 'power', 'tags'],
      String,
    )
    expect(toCsv(head, cells)).toBe(
      'Site,Power now (W),Expected power (W),Tags\r\n' +
        `"'=HYPERLINK(""http://evil.test"")",,,'@now; +1\r\n` +
        'Alpha,5,6,vip\r\n',
    )
  })
  it('keeps the choice of columns in the address, the name always first', () => {
    expect(readColumns(null)).not.toContain('connection')
    expect(readColumns('loss,connection,nonsense')).toEqual(['name', 'loss', 'connection'])
    expect(columnsText(readColumns(null))).toBeUndefined()
    expect(columnsText(['loss', 'name'])).toBe('name,loss')
  })
  it('is joined and sorted for ten thousand rows in a moment', () => {
    const many = sitesOf(
      Array.from({ length: 10_000 }, (_, at) => site(`s${String(at)}`, `Site ${String(at * 7919)}`, at)),
    )
    const states = new Map(many.map(({ id }, at) => [id, live('producing', { lossTodayWh: (at * 31) % 997 })]))
    const start = performance.now()
    sortRows(withLive(many, states), { key: 'loss', down: true })
    expect(performance.now() - start).toBeLessThan(200)
  })
})

it('what a change of some sites answered is put in, and nothing else', () => {
  const changed = withChanges(listed, [
    { id: 'a', orgUnitId: 'v' },
    { id: 'b', tags: ['new'] },
  ])
  expect(changed.map(({ orgUnitId }) => orgUnitId)).toEqual(['v', 'u', 'u', 'v', 'u'])
  expect(changed.map(({ tags }) => tags.join())).toEqual(['vip', 'new', '', '', ''])
  expect(changed[0]?.name).toBe('Alpha')
})

it('what was told of sites is put in: made, changed, gone, and never what is older than the list', () => {
  const versions = listed.slice(0, 3).map((one) => ({ ...one, version: 3 }))
  const news = new SiteNews()
  expect(news.on(versions)).toBe(versions)
  const values = {
    a: site('a', 'Alpha the second', 10, { version: 4 }),
    b: null,
    c: site('c', 'Older', 20, { version: 2 }),
    n: site('n', 'New', 5, { version: 1 }),
    gone: null,
  }
  const told = news.hear(Object.entries(values).map(([id, value]) => ({ key: `site-record:${id}`, ts: 1, value })))
  expect(told.map(({ id }) => id)).toEqual(['a', 'c', 'n'])
  expect(news.on(versions).map(({ name }) => name)).toEqual(['Alpha the second', 'Gamma 10', 'New'])
  news.forget()
  expect(news.on(versions)).toBe(versions)
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
