/** Cards in lines of as many as fit beside each other, with headings between groups: which lines are drawn, and where they stand. */
export interface CardLine {
  /** Place of its first row in the list, and of the row after its last. */
  from: number
  to: number
  head: boolean
  /** Its upper edge and its height, in pixels. */
  top: number
  height: number
}

/** @param across cards beside each other */
export function cardLines<Row>(
  rows: readonly Row[],
  across: number,
  isHead: (row: Row) => boolean,
  heights: { head: number; card: number },
): CardLine[] {
  const lines: CardLine[] = []
  let top = 0
  for (let at = 0; at < rows.length;) {
    const head = isHead(rows[at]!)
    let to = at + 1
    if (!head) while (to < rows.length && to - at < across && !isHead(rows[to]!)) to++
    const height = head ? heights.head : heights.card
    lines.push({ from: at, to, head, top, height })
    top += height
    at = to
  }
  return lines
}

export interface DrawnLines {
  /** Places of the first row drawn and of the one after the last. */
  from: number
  to: number
  /** Heights of what is left out, in pixels. */
  before: number
  after: number
}
/** @param overscan lines beyond either edge */
export function drawnLines(
  lines: readonly CardLine[],
  scrollTop: number,
  viewHeight: number,
  overscan: number,
): DrawnLines {
  const last = lines.at(-1)
  if (!last) return { from: 0, to: 0, before: 0, after: 0 }
  const end = last.top + last.height
  // A list that has become shorter may be scrolled beyond its end for a moment.
  const top = Math.max(0, Math.min(scrollTop, end - viewHeight))
  const first = lines[Math.max(0, lineAt(lines, top) - overscan)]!
  const final = lines[Math.min(lines.length - 1, lineAt(lines, top + viewHeight) + overscan)]!
  return { from: first.from, to: final.to, before: first.top, after: end - final.top - final.height }
}
/** The line that a height falls into; beyond the end, the last. */
function lineAt(lines: readonly CardLine[], y: number): number {
  let [low, high] = [0, lines.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (lines[middle]!.top <= y) low = middle
    else high = middle - 1
  }
  return low
}
/** The line of a row. */
export const lineOf = (lines: readonly CardLine[], place: number): CardLine | undefined =>
  lines.find(({ from, to }) => place >= from && place < to)
