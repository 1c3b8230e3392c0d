/** A small picture of how far behind a part was: a line over the last minutes, gaps where nothing was known. */
export interface SparkPoint {
  /** UTC milliseconds. */
  ts: number
  lag: number | null
}
export interface Spark {
  /** SVG path of the line, and of what lies under it, in a box of `width` by `height`. */
  line: string
  area: string
  most: number
}

/** @param least the top of the scale at least: a handful of records behind is no mountain */
export function sparkOf(points: readonly SparkPoint[], width: number, height: number, least = 100): Spark {
  const known = points.flatMap(({ lag }) => (lag === null ? [] : [lag]))
  const most = Math.max(0, ...known)
  const top = Math.max(least, most)
  const [from, to] = [points[0]?.ts ?? 0, points.at(-1)?.ts ?? 0]
  const span = Math.max(1, to - from)
  const round = (value: number) => Math.round(value * 10) / 10
  const at = ({ ts, lag }: { ts: number; lag: number }) =>
    [round(((ts - from) / span) * width), round(height - (lag / top) * height)] as const
  let line = ''
  let area = ''
  let run: (readonly [number, number])[] = []
  const close = () => {
    if (run.length === 0) return
    const path = run.map(([x, y]) => `${String(x)} ${String(y)}`).join(' L')
    line += `M${path}${run.length === 1 ? ' h0.1' : ''}`
    area += `M${String(run[0]![0])} ${String(height)} L${path} L${String(run.at(-1)![0])} ${String(height)}Z`
    run = []
  }
  for (const { ts, lag } of points) {
    if (lag === null) close()
    else run.push(at({ ts, lag }))
  }
  close()
  return { line, area, most }
}
