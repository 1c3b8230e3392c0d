import { Gauge, type Registry } from 'prom-client'
import type { CrmDatabase } from '@heliograph/crm-core/contracts'

const SEVERITIES = ['critical', 'major', 'minor', 'info'] as const

/** How many alarms have not cleared, of all tenants, counted when somebody looks. */
export function meterAlarms(db: CrmDatabase, registry: Registry): void {
  new Gauge({
    name: 'helio_alarms_open',
    help: 'Alarms that have not cleared, by severity',
    labelNames: ['severity'],
    registers: [registry],
    async collect() {
      for (const severity of SEVERITIES)
        this.set({ severity }, await db.system.count('alarm', { severity, clearedAt: null }))
    },
  })
}
