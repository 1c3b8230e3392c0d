/** What the benchmarks of engines share: ours and bare take turns, and the median of the ratios counts. */

/** As `loadtest` prints it. */
export interface EngineMeasure {
  name: string
  unit: string
  ours: number
  ceiling: number
  ratio: number
  target?: string
  met?: boolean
}

/**
 * @param ours a second's work by our adapter
 * @param bare the same work by the engine's own client, as somebody without us would write it
 */
export async function compare(
  { name, unit, rounds, least }: { name: string; unit: string; rounds: number; least?: number },
  ours: () => Promise<number>,
  bare: () => Promise<number>,
): Promise<EngineMeasure> {
  const found: { ours: number; bare: number }[] = []
  // The first of each warms code, connections and the engine's own caches, and counts for nothing.
  await ours()
  await bare()
  for (let round = 0; round < rounds; round++) {
    // Who goes first changes: the engine's work on what one left behind falls on the other.
    const first = round % 2 === 0 ? await ours() : undefined
    const second = await bare()
    found.push({ ours: first ?? (await ours()), bare: second })
  }
  const ratio = median(found.map((each) => each.ours / each.bare))
  return {
    name,
    unit,
    ours: median(found.map((each) => each.ours)),
    ceiling: median(found.map((each) => each.bare)),
    ratio,
    ...(least !== undefined && { target: `at least ${least}`, met: ratio >= least }),
  }
}

export async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return count / ((performance.now() - started) / 1_000)
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!

/** For the parent process, after everything else. */
export const tell = (measures: readonly EngineMeasure[]): void => {
  process.stdout.write(`${JSON.stringify(measures)}\n`)
}

export function check(what: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${what}: ${found} instead of ${expected}`)
}
