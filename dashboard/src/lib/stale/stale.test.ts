import { describe, expect, test } from 'vitest'
import { clashesOf, same, touched } from './stale.ts'

const NAMES = { name: 'Name', email: 'Email', address: 'Address', notes: 'Notes' }

describe('two people change one record', () => {
  const shown = { name: 'A', email: 'a@x.test', address: { city: 'Ulm', country: 'DE' }, notes: null as string | null }
  test('what each meant is told field by field; what nobody touched is not', () => {
    const theirs = { ...shown, email: 'b@x.test' }
    expect(clashesOf(shown, { name: 'B' }, theirs, NAMES)).toEqual([
      { label: 'Name', shown: 'A', theirs: 'A', yours: 'B' },
      { label: 'Email', shown: 'a@x.test', theirs: 'b@x.test', yours: undefined },
    ])
  })
  test('taking something away is a change too', () => {
    expect(clashesOf({ notes: 'x' as string | null }, { notes: null }, { notes: 'y' }, NAMES)).toEqual([
      { label: 'Notes', shown: 'x', theirs: 'y', yours: 'nothing' },
    ])
  })
  test('values can be said in words of their own, others are read as they are', () => {
    const say = (key: string, value: unknown) => (key === 'name' ? `person ${String(value)}` : undefined)
    expect(clashesOf(shown, { name: 'B', address: { city: 'Bonn', country: 'DE' } }, shown, NAMES, say)).toEqual([
      { label: 'Name', shown: 'person A', theirs: 'person A', yours: 'person B' },
      { label: 'Address', shown: 'Ulm, DE', theirs: 'Ulm, DE', yours: 'Bonn, DE' },
    ])
  })
  test('only what was touched counts as wanted: on top of theirs, the rest stays theirs', () => {
    const draft = { ...shown, name: 'B', address: { country: 'DE', city: 'Ulm' } }
    expect(touched(shown, draft)).toEqual({ name: 'B' })
    expect({ ...shown, email: 'b@x.test', ...touched(shown, draft) }).toMatchObject({ name: 'B', email: 'b@x.test' })
  })
  test('the order of keys in an address means nothing', () => {
    expect(same({ city: 'Ulm', country: 'DE' }, { country: 'DE', city: 'Ulm' })).toBe(true)
    expect(same({ city: 'Ulm' }, null)).toBe(false)
  })
})
