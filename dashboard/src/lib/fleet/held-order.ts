/**
 * How many rows would move if a list that is being held still were put in its new order: the fewest moves that do it, plus
 * rows that would come or go.
 */
export function countChanges(shown: readonly string[], wanted: readonly string[]): number {
  if (shown === wanted) return 0
  const places = new Map(wanted.map((id, index) => [id, index]))
  const kept: number[] = []
  for (const id of shown) {
    const place = places.get(id)
    if (place !== undefined) kept.push(place)
  }
  const gone = shown.length - kept.length
  const come = wanted.length - kept.length
  return kept.length - longestRising(kept) + gone + come
}

/** Length of the longest rising subsequence (patience sorting, n log n): the rows that may stay where they are. */
function longestRising(values: readonly number[]): number {
  const tops: number[] = []
  for (const value of values) {
    let low = 0
    let high = tops.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (tops[middle]! < value) low = middle + 1
      else high = middle
    }
    tops[low] = value
  }
  return tops.length
}
