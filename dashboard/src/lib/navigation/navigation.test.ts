import { describe, expect, it } from 'vitest'
import { DEFAULT_ROLES, type RoleName } from '@heliograph/crm-core/contracts'
import { safeReturn, signInAddress } from '../session/return-address.ts'
import { activeEntry, closedEntry, entriesFor, homeOf, NAVIGATION } from './entries.ts'
import { KeySequence, SECOND_KEY_MS, type KeyPress } from './keys.ts'

const viewer = (role: RoleName) => ({ roles: [role], permissions: DEFAULT_ROLES[role] })

describe('who sees what', () => {
  it.each([
    ['admin', '/fleet /map /alarms /tickets /customers /data /settings', '/fleet'],
    ['support', '/fleet /map /alarms /tickets /customers /data /settings', '/fleet'],
    ['sales', '/fleet /map /customers /settings', '/fleet'],
    ['analyst', '/fleet /map /alarms /tickets /customers /data /settings', '/fleet'],
    ['customer', '/portal /tickets /settings', '/portal'],
    ['operator', '/settings', '/settings'],
  ] as const)('%s', (role, entries, home) => {
    expect(
      entriesFor(viewer(role))
        .map((entry) => entry.href)
        .join(' '),
    ).toBe(entries)
    expect(homeOf(viewer(role))).toBe(home)
  })
  it('gives every entry a key of its own', () => {
    expect(new Set(NAVIGATION.map((entry) => entry.key)).size).toBe(NAVIGATION.length)
  })
  it('closes pages of the staff to customers, and to who lacks the right', () => {
    for (const path of ['/fleet', '/map', '/alarms', '/customers/x', '/data'])
      expect(closedEntry(path, viewer('customer'))).toBeDefined()
    for (const path of ['/portal', '/tickets', '/tickets/x', '/settings', '/sites/x', '/devices/x', '/'])
      expect(closedEntry(path, viewer('customer'))).toBeUndefined()
    expect(closedEntry('/alarms', viewer('sales'))?.label).toBe('Alarms')
    expect(closedEntry('/portal', viewer('admin'))?.label).toBe('My systems')
  })
  it('marks the entry a page hangs under', () => {
    expect(activeEntry('/sites/abc', viewer('support'))).toBe('/fleet')
    expect(activeEntry('/devices/abc', viewer('customer'))).toBe('/portal')
    expect(activeEntry('/tickets/abc', viewer('support'))).toBe('/tickets')
    expect(activeEntry('/ticketsx', viewer('support'))).toBeUndefined()
  })
})

describe('keys', () => {
  const press = (key: string, at: number, rest: Partial<KeyPress> = {}): KeyPress => ({
    key,
    at,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    taken: false,
    ...rest,
  })
  it('g and a letter go, in time', () => {
    const keys = new KeySequence()
    expect(keys.press(press('g', 0))).toEqual({ type: 'wait' })
    expect(keys.press(press('f', 300))).toEqual({ type: 'go', key: 'f' })
    keys.press(press('g', 1000))
    expect(keys.press(press('f', 1000 + SECOND_KEY_MS))).toBeUndefined()
  })
  it('typing is typing', () => {
    const keys = new KeySequence()
    for (const key of ['g', '/', '?', 'j']) expect(keys.press(press(key, 0, { taken: true }))).toBeUndefined()
    expect(keys.press(press('/', 0, { ctrlKey: true }))).toBeUndefined()
  })
  it('filter, help and lists', () => {
    const keys = new KeySequence()
    expect(['/', '?', 'j', 'k'].map((key) => keys.press(press(key, 0))?.type)).toEqual([
      'filter',
      'help',
      'list',
      'list',
    ])
  })
})

describe('return addresses', () => {
  it.each([
    ['/fleet?status=down', '/fleet?status=down'],
    ['/sites/x#a', '/sites/x#a'],
    ['//evil.test/', undefined],
    ['/\\evil.test', undefined],
    ['https://evil.test/', undefined],
    ['/\t/evil.test', undefined],
    ['javascript:alert(1)', undefined],
    ['/sign-in?next=/fleet', undefined],
    ['', undefined],
    [null, undefined],
  ])('%s', (next, back) => {
    expect(safeReturn(next)).toBe(back)
  })
  it('lead through the sign-in page and back', () => {
    expect(signInAddress('/sites/a', '?range=week')).toBe('/sign-in?next=%2Fsites%2Fa%3Frange%3Dweek')
    expect(signInAddress('/', '')).toBe('/sign-in')
  })
})
