export interface Measure {
  /** What was measured, in a few words. */
  name: string
  unit: string
  ours: number
  /** What the same machine does at best in the same run, where there is such a thing. */
  ceiling?: number
  /** `ours / ceiling`, or what the target is about. */
  ratio?: number
  /** In words, such as "at least 0.6". */
  target?: string
  met?: boolean
  details?: Record<string, unknown>
}
export interface BenchContext {
  /** Shorter runs: to see that everything works, not to judge. */
  quick: boolean
  /** Overrides from the command line, `name=value`. */
  set: ReadonlyMap<string, string>
  /** Scratch directory of this run, removed at the end. */
  dir: string
  log(line: string): void
}
export interface Subject {
  name: string
  title: string
  /** On engines that have to run already: only where it is named. */
  needsServices?: boolean
  run(context: BenchContext): Promise<Measure[]>
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
export const quantile = (values: readonly number[], share: number): number => {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!
}
export const atLeast = (ratio: number, least: number): Pick<Measure, 'ratio' | 'target' | 'met'> => ({
  ratio,
  target: `at least ${least}`,
  met: ratio >= least,
})
export const atMost = (value: number, most: number, unit: string): Pick<Measure, 'target' | 'met'> => ({
  target: `at most ${most} ${unit}`,
  met: value <= most,
})
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
export async function waitFor<T>(
  what: string,
  withinMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
  everyMs = 50,
): Promise<T> {
  const until = performance.now() + withinMs
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (performance.now() > until) throw new Error(`${what}: not within ${withinMs} ms`)
    await sleep(everyMs)
  }
}
