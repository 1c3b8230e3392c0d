import { expect, it } from 'vitest'
import { liveAddress, mergeEntries } from './entries.ts'

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
