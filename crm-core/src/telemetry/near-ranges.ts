/** Which stretches of time are read together: those that lie close to each other, or nearly cover each other. */
export interface Range {
  /** UTC milliseconds, `to` exclusive. */
  from: number
  to: number
}

/** Ends so close never keep two apart: reading a little too much costs less than asking twice. */
export const NEAR_MS = 2 * 3_600_000
/** Of long stretches the ends may lie further apart: by this part of the length. */
const NEAR_PART = 1 / 8
const nearOf = (range: Range): number => Math.max(NEAR_MS, (range.to - range.from) * NEAR_PART)

/**
 * Stretches of one thing as few, in order of time: those that touch or overlap become one.
 * @param gapOf how much may lie between two, judged by what they would be together. Default nothing
 */
export function joinRanges(ranges: readonly Range[], gapOf: (together: Range) => number = () => 0): Range[] {
  const joined: Range[] = []
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1)
    const to = Math.max(last?.to ?? range.to, range.to)
    if (last && range.from - last.to <= gapOf({ from: last.from, to })) last.to = to
    else joined.push({ ...range })
  }
  return joined
}
/** The same where little lies between them. */
export const joinNear = (ranges: readonly Range[]): Range[] => joinRanges(ranges, nearOf)

export interface NearOptions<Item> {
  rangeOf(item: Item): Range
  /** No two of one key in one group. */
  keyOf(item: Item): string
  /** What an item adds to a group, whose sum stays within `most` where it has more than one. Default 1. */
  weightOf?(item: Item): number
  most: number
}
/** A stretch is compared to so many groups at most: thousands of devices each with a stretch of its own stay cheap. */
const OPEN_GROUPS = 16

/** Items whose stretches nearly cover each other, in order of time. */
export function groupNear<Item>(
  items: readonly Item[],
  { rangeOf, keyOf, weightOf = () => 1, most }: NearOptions<Item>,
): Item[][] {
  const groups: { items: Item[]; keys: Set<string>; range: Range; weight: number }[] = []
  for (const item of [...items].sort((a, b) => rangeOf(a).from - rangeOf(b).from)) {
    const range = rangeOf(item)
    const near = nearOf(range)
    const weight = weightOf(item)
    const home = groups
      .slice(-OPEN_GROUPS)
      .find(
        (group) =>
          range.from - group.range.from <= near &&
          Math.abs(range.to - group.range.to) <= near &&
          group.weight + weight <= most &&
          !group.keys.has(keyOf(item)),
      )
    if (home) {
      home.items.push(item)
      home.keys.add(keyOf(item))
      home.weight += weight
    } else groups.push({ items: [item], keys: new Set([keyOf(item)]), range, weight })
  }
  return groups.map((group) => group.items)
}
