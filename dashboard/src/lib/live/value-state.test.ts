import { expect, it } from 'vitest'
import { STALE_AFTER_MS, valueState } from './value-state.ts'

const now = 1_760_000_000_000
it.each([
  ['a fresh value is live', 5, now - 1000, undefined, 'live'],
  ['a measured zero is live', 0, now - 1000, undefined, 'live'],
  ['an old value is stale', 5, now - STALE_AFTER_MS - 1, undefined, 'stale'],
  ['the server knows better', 5, now - STALE_AFTER_MS * 100, false, 'live'],
  ['the server knows better, the other way', 5, now - 1000, true, 'stale'],
  ['without a value it is not measured', undefined, now - 1000, undefined, 'not-measured'],
  ['what is no number is not measured', Number.NaN, now - 1000, undefined, 'not-measured'],
  ['what was never heard is never seen', undefined, undefined, undefined, 'never'],
  ['not even with a value', 5, null, undefined, 'never'],
] as const)('%s', (_name, value, seenAt, stale, state) => {
  expect(valueState(value, seenAt, now, stale)).toBe(state)
})
