/** Which rows of a long list are drawn: those in sight and a few beyond, so that scrolling and the keyboard find them ready. */
export interface VirtualWindow {
  /** First row drawn. */
  first: number
  /** Row after the last one drawn. */
  end: number
  /** Heights of what is left out, in pixels. */
  before: number
  after: number
}

/** Rows drawn beyond either edge. */
export const OVERSCAN = 8

/**
 * @param viewHeight height of the scrolling box, in pixels; before it is known, a screenful is assumed
 * @param overscan rows beyond either edge
 */
export function virtualWindow(
  rows: number,
  rowHeight: number,
  scrollTop: number,
  viewHeight: number,
  overscan = OVERSCAN,
): VirtualWindow {
  const height = viewHeight > 0 ? viewHeight : 900
  // A list that has become shorter may be scrolled beyond its end for a moment.
  const top = Math.max(0, Math.min(scrollTop, rows * rowHeight - height))
  const first = Math.max(0, Math.floor(top / rowHeight) - overscan)
  const end = Math.min(rows, Math.ceil((top + height) / rowHeight) + overscan)
  return { first, end, before: first * rowHeight, after: Math.max(0, (rows - end) * rowHeight) }
}

/** The most rows that are drawn at once. */
export const mostDrawn = (rowHeight: number, viewHeight: number): number =>
  Math.ceil((viewHeight > 0 ? viewHeight : 900) / rowHeight) + 1 + 2 * OVERSCAN

/** Scroll position that shows a row, moving no further than needed. `headHeight` is covered by the sticky header. */
export function scrollToShow(
  index: number,
  rowHeight: number,
  scrollTop: number,
  viewHeight: number,
  headHeight: number,
): number {
  return scrollToSpan(index * rowHeight, rowHeight, scrollTop, viewHeight - headHeight)
}
/** The same of something between two heights. */
export function scrollToSpan(top: number, height: number, scrollTop: number, seen: number): number {
  if (top < scrollTop) return top
  if (top + height > scrollTop + seen) return Math.max(0, top + height - seen)
  return scrollTop
}
