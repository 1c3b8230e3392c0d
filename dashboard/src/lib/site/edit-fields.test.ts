import { describe, expect, it } from 'vitest'
import { changesOf, clashes, draftOf, rebased, type EditField } from './edit-fields.ts'

const fields: EditField[] = [
  { key: 'name', label: 'Name', kind: 'text', required: true },
  { key: 'peakPowerW', label: 'Rating', kind: 'number', unit: 'kWp', factor: 1000 },
  { key: 'address.street', label: 'Street', kind: 'text' },
  { key: 'address.city', label: 'Town', kind: 'text' },
  { key: 'tags', label: 'Tags', kind: 'list' },
  { key: 'price', label: 'Price', kind: 'decimal' },
]
const site = {
  name: 'Hof',
  peakPowerW: 9_800,
  address: { street: 'Weg 1', city: 'Ulm' },
  tags: ['roof', 'vip'],
  price: '0.0800',
}
const change = (draft: Record<string, string>) => changesOf(fields, site, { ...draftOf(fields, site), ...draft })

describe('editing a record', () => {
  it('shows what is stored as it is typed, and sends nothing where nothing differs', () => {
    expect(draftOf(fields, site)).toEqual({
      name: 'Hof',
      peakPowerW: '9.8',
      'address.street': 'Weg 1',
      'address.city': 'Ulm',
      tags: 'roof, vip',
      price: '0.0800',
    })
    expect(change({})).toEqual({ changes: {}, keys: [], problems: [] })
    expect(change({ name: ' Hof ' }).keys).toEqual([])
  })
  it.each([
    [{ name: 'Hof Süd' }, { name: 'Hof Süd' }],
    [{ peakPowerW: '12,5' }, { peakPowerW: 12_500 }],
    [{ peakPowerW: '' }, { peakPowerW: null }],
    [{ 'address.city': 'Bonn' }, { address: { street: 'Weg 1', city: 'Bonn' } }],
    [{ 'address.city': '' }, { address: { street: 'Weg 1' } }],
    [{ 'address.city': '', 'address.street': '' }, { address: null }],
    [{ tags: 'vip, , barn,vip' }, { tags: ['vip', 'barn'] }],
    [{ tags: '' }, { tags: [] }],
    [{ price: '0,0821' }, { price: '0.0821' }],
  ])('%j', (draft, changes) => {
    expect(change(draft).changes).toEqual(changes)
  })
  it.each([
    [{ name: '  ' }, 'Name is needed'],
    [{ peakPowerW: '1.234,5' }, 'Rating is not a number'],
    [{ peakPowerW: 'ten' }, 'Rating is not a number'],
  ])('refuses %j', (draft, message) => {
    expect(change(draft).problems[0]?.message).toBe(message)
  })
  it('tells what somebody else changed and what is wanted here, and goes on from theirs', () => {
    const theirs = { ...site, name: 'Hof Nord', tags: ['vip'] }
    const draft = { ...draftOf(fields, site), name: 'Hof Süd' }
    const { keys } = changesOf(fields, site, draft)
    expect(clashes(fields, site, theirs, draft, keys)).toEqual([
      { label: 'Name', shown: 'Hof', theirs: 'Hof Nord', yours: 'Hof Süd' },
      { label: 'Tags', shown: 'roof, vip', theirs: 'vip', yours: undefined },
    ])
    expect(rebased(fields, theirs, draft, keys)).toMatchObject({ name: 'Hof Süd', tags: 'vip' })
  })
})
