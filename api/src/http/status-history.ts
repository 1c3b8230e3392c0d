import type { PartStatus } from '../deps.ts'

const EVERY_MS = 10_000
/** Half an hour: long enough to see whether something that is behind catches up. */
const KEPT = 180
/** Parts remembered at most; there are about ten. */
const MAX_PARTS = 50

interface Point {
  /** RFC 3339. */
  ts: string
  lag: number | null
  state: PartStatus['state']
}

/** The last half hour of every part, in memory: for the pictures beside the figures. Begins with the process. */
export function createStatusHistory({ parts, now }: { parts: () => Promise<PartStatus[]>; now: () => number }) {
  const known = new Map<string, Point[]>()
  let timer: NodeJS.Timeout | undefined

  async function sample(): Promise<void> {
    const ts = new Date(now()).toISOString()
    for (const { name, lag, state } of await parts()) {
      let points = known.get(name)
      if (points === undefined) {
        if (known.size >= MAX_PARTS) continue
        known.set(name, (points = []))
      }
      points.push({ ts, lag, state })
      if (points.length > KEPT) points.shift()
    }
  }
  return {
    start(): void {
      timer ??= setInterval(() => void sample().catch(() => undefined), EVERY_MS).unref()
    },
    stop(): void {
      clearInterval(timer)
      timer = undefined
    },
    sample,
    read: () => [...known].map(([name, points]) => ({ name, points: [...points] })),
  }
}
