import { numberOf } from './number.ts'

/** The other sign of a value whose direction is opposite to ours; no value and junk stay what they are (see `numberOf`). */
export function opposite(raw: unknown): unknown {
  const number = numberOf(raw)
  return number === undefined || Number.isNaN(number) ? raw : 0 - number
}
