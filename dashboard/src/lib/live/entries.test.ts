import { describe, expect, it } from 'vitest'
import { EntryStore, liveAddress, mergeEntries } from './entries.ts'

it('updates are added, null takes away, a snapshot replaces', () => {
  const first = mergeEntries<number>(
    new Map(),
    [
      { key: 'site:a', ts: 1, value: 1 },
      { key: 'site:b', ts: 1, value: 2 },
    ],
    true,
    'site:',
  )
  expect([...first.keys()]).toEqual(['a', 'b'])
  const second = mergeEntries(
    first,
    [
      { key: 'site:a', ts: 2, value: null },
      { key: 'device:x', ts: 2, value: 0 },
    ],
    false,
    'site:',
  )
  expect([...second]).toEqual([
    ['b', { ts: 1, value: 2 }],
    ['device:x', { ts: 2, value: 0 }],
  ])
  expect(first.size).toBe(2)
  expect(mergeEntries(second, [], true).size).toBe(0)
})
it('the socket is on the server of the page, as safe as the page', () => {
  expect(liveAddress('http://127.0.0.1:8080/fleet?x=1').href).toBe('ws://127.0.0.1:8080/api/v1/live')
  expect(liveAddress('https://sun.test/').href).toBe('wss://sun.test/api/v1/live')
})

describe('a store of many keys', () => {
  const update = (key: string, ts: number, value: unknown = { n: ts }) => ({ key, ts, value })
  it('says what is another one and what is gone, and copies what it has', () => {
    const store = new EntryStore<{ n: number }>()
    expect(store.apply([update('site:a', 1), update('site:b', 1)], true, 'site:')).toEqual({
      set: [
        ['a', { ts: 1, value: { n: 1 } }],
        ['b', { ts: 1, value: { n: 1 } }],
      ],
      gone: [],
    })
    const before = store.copy()
    expect(store.apply([update('site:a', 2), update('site:b', 2, null)], false, 'site:')).toEqual({
      set: [['a', { ts: 2, value: { n: 2 } }]],
      gone: ['b'],
    })
    // A snapshot is all there is.
    expect(store.apply([update('site:c', 3)], true, 'site:').gone).toEqual(['a'])
    expect([...store.copy().keys()]).toEqual(['c'])
    expect([...before.keys()]).toEqual(['a', 'b'])
  })
})
