/** How the server is, asked for now and then while somebody looks. */
import { demoOf, partsBehind, readHealth, type HealthReport } from './health-report.ts'

const EVERY_MS = 30_000

class Health {
  report = $state.raw<HealthReport | undefined>(undefined)
  readonly behind = $derived(this.report ? partsBehind(this.report) : '')
  readonly demo = $derived(this.report && demoOf(this.report))

  async check(): Promise<void> {
    try {
      const answer = await fetch('/readyz', { headers: { accept: 'application/json' } })
      this.report = readHealth(await answer.json()) ?? this.report
    } catch {
      // The live mark says already that nothing can be reached.
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
