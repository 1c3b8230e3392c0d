/** What `/readyz` says, read with care: it is asked for before anybody is signed in and may be a proxy's page. */
export interface HealthPart {
  name: string
  state: string
  lag?: number | null | undefined
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
  const { name, state, lag } = part as { name?: unknown; state?: unknown; lag?: unknown }
  return (
    typeof name === 'string' &&
    typeof state === 'string' &&
    (lag === undefined || lag === null || typeof lag === 'number')
  )
}

/** Names of the parts that are down or far behind; empty when all is well. */
export function partsBehind(report: HealthReport): string {
  return report.parts
    .filter((part) => part.state !== 'ok' || (part.lag ?? 0) > LAG_WORTH_TELLING)
    .map((part) => part.name)
    .join(', ')
}
