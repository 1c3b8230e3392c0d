/** How far a reader of the log is behind, told also while the log cannot be asked. */
import type { PartStatus } from '@heliograph/api'
import { createProbe } from './probe.ts'

/** Below what the API waits for a worker. */
const LIMIT_MS = 500

export interface KnownLag {
  /** The newest that is known. */
  lag: number | null
  /** Absent: it was answered now. */
  trouble?: string
}

export function createLagProbe(ask: () => Promise<number>, limitMs = LIMIT_MS): () => Promise<KnownLag> {
  const probe = createProbe(ask, limitMs)
  let last: number | null = null
  return async () => {
    const answer = await probe()
    if (answer.trouble !== undefined) return { lag: last, trouble: answer.trouble }
    last = answer.value
    return { lag: last }
  }
}

/** @param trouble of the part itself; it goes before that of the log */
export function withLag(name: string, { lag, trouble: unasked }: KnownLag, trouble?: string): PartStatus {
  if (trouble !== undefined) return { name, state: 'down', lag, detail: trouble }
  return unasked === undefined
    ? { name, state: 'ok', lag }
    : { name, state: 'degraded', lag, detail: `waits for the log: ${unasked}` }
}
