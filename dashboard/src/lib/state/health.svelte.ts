/** How the server is: what `/readyz` says of its parts, asked for now and then while somebody looks. */
export interface HealthPart {
  name: string
  state: string
  lag?: number | null | undefined
}
export interface HealthReport {
  status: string
  parts: HealthPart[]
}

const EVERY_MS = 30_000
/** A part that is this many records behind is worth a word; fewer is the ordinary course of batches. */
const LAG_WORTH_TELLING = 5000

/** Reads what came; parts that are not as agreed are left out. */
export function readHealth(body: unknown): HealthReport | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { status, parts } = body as { status?: unknown; parts?: unknown }
  if (typeof status !== 'string' || !Array.isArray(parts)) return undefined
  return {
    status,
    parts: parts.filter(
      (part): part is HealthPart =>
        typeof part === 'object' && part !== null && typeof part.name === 'string' && typeof part.state === 'string',
    ),
  }
}

/** Names of the parts that are down or far behind; empty when all is well. */
export function partsBehind(report: HealthReport): string {
  return report.parts
    .filter((part) => !isFine(part.state) || (part.lag ?? 0) > LAG_WORTH_TELLING)
    .map((part) => part.name)
    .join(', ')
}
export function isFine(state: string): boolean {
  return state === 'ready' || state === 'ok' || state === 'up'
}

class Health {
  report = $state.raw<HealthReport | undefined>(undefined)
  failed = $state(false)
  readonly behind = $derived(this.report ? partsBehind(this.report) : '')

  async check(): Promise<void> {
    try {
      const answer = await fetch('/readyz', { headers: { accept: 'application/json' } })
      this.report = readHealth(await answer.json()) ?? this.report
      this.failed = false
    } catch {
      this.failed = true
    }
  }
  start(): () => void {
    void this.check()
    const timer = setInterval(() => {
      if (!document.hidden) void this.check()
    }, EVERY_MS)
    return () => clearInterval(timer)
  }
}

export const health = new Health()
