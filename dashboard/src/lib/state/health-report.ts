/** What `/readyz` says, read with care: it is asked for before anybody is signed in and may be a proxy's page. */
export interface HealthPart {
  name: string
  state: string
  lag?: number | null | undefined
  /** Of a part that has an end: the share that is done, 0 to 1. */
  progress?: number | undefined
}
export interface HealthReport {
  status: string
  parts: HealthPart[]
}

/** A part that is this many records behind is worth a word; fewer is the ordinary course of batches. */
const LAG_WORTH_TELLING = 5000

/** Reads what came; parts that are not as agreed are left out. */
export function readHealth(body: unknown): HealthReport | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { status, parts } = body as { status?: unknown; parts?: unknown }
  if (typeof status !== 'string' || !Array.isArray(parts)) return undefined
  return { status, parts: parts.filter(isPart) }
}
function isPart(part: unknown): part is HealthPart {
  if (typeof part !== 'object' || part === null) return false
  const { name, state, lag, progress } = part as Readonly<Partial<Record<keyof HealthPart, unknown>>>
  return (
    typeof name === 'string' &&
    typeof state === 'string' &&
    (lag === undefined || lag === null || typeof lag === 'number') &&
    (progress === undefined || typeof progress === 'number')
  )
}

/** There while a demo's past is brought in. */
const DEMO = 'demo history'
/** The demo whose past is coming in, and how much of it is there; undefined: none is. */
export function demoOf(report: HealthReport): { progress: number | undefined } | undefined {
  const part = report.parts.find(({ name }) => name === DEMO)
  return part && { progress: part.progress }
}

/** What computes sums of the past: it may be far behind, and nothing waits for it. */
const ROLLUPS = 'rollups'
/** Names of the parts that are down or far behind; empty when all is well. */
export function partsBehind(report: HealthReport): string {
  // What the demo's past still lacks holds nothing up, and has a bar of its own.
  const apart = demoOf(report) ? [DEMO, ROLLUPS] : []
  return report.parts
    .filter((part) => part.state !== 'ok' || (!apart.includes(part.name) && (part.lag ?? 0) > LAG_WORTH_TELLING))
    .map((part) => part.name)
    .join(', ')
}
