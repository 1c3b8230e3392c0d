/** Sites that went silent together: what they share is more likely the cause than each of them. */
import { neighboursOf, type Located } from './neighbours.ts'

/** A street: as near, as many, as close in time. */
const STREET_KM = 1
const MIN_SITES = 3
const MAX_SITES = 50
export const TOGETHER_MS = 10 * 60_000

/** @param lost places with when they were heard last (UTC milliseconds) @returns those with at least two more of them around */
export function lostTogether<Id extends string>(lost: readonly (Located<Id> & { lostAt: number })[]): Set<Id> {
  const found = new Set<Id>()
  if (lost.length < MIN_SITES) return found
  const at = new Map(lost.map((each) => [each.id, each.lostAt]))
  for (const [id, near] of neighboursOf(lost, STREET_KM, MAX_SITES)) {
    const together = near.filter((other) => Math.abs(at.get(other)! - at.get(id)!) <= TOGETHER_MS)
    if (together.length + 1 >= MIN_SITES) found.add(id)
  }
  return found
}

/** Those that were lost together, street by street. */
export function lostStreets<Id extends string>(lost: readonly (Located<Id> & { lostAt: number })[]): Id[][] {
  const left = lostTogether(lost)
  const at = new Map(lost.map((each) => [each.id, each.lostAt]))
  const near = neighboursOf(
    lost.filter(({ id }) => left.has(id)),
    STREET_KM,
    MAX_SITES,
  )
  const streets: Id[][] = []
  for (const first of left) {
    // From door to door, as far as it goes.
    const street = [first]
    left.delete(first)
    for (const id of street)
      for (const other of near.get(id) ?? [])
        if (left.has(other) && Math.abs(at.get(other)! - at.get(id)!) <= TOGETHER_MS) {
          left.delete(other)
          street.push(other)
        }
    streets.push(street)
  }
  return streets.filter((street) => street.length >= MIN_SITES)
}
