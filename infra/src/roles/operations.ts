/** What the operator's tool asks of the instance as a whole. */
import { stat } from 'node:fs/promises'
import type { Operations, VerifyReport } from '@heliograph/api'
import type { createCrm, OutboxRelay } from '@heliograph/crm-core'
import { type CrmDatabase, ProblemError, type TenantId, type Warehouse } from '@heliograph/crm-core/contracts'
import { exportWarehouse } from '../cli/backup/warehouse-files.ts'
import { createAnchors } from './anchors.ts'
import type { RoleContext } from './context.ts'

const VERIFY_LIMIT_MS = 60 * 60_000
/** Whoever asked events to wait may be gone. */
const HOLD_LIMIT_MS = 5 * 60_000

export interface InstanceOperations extends Operations {
  start(): void
  stop(): Promise<void>
}

export function createOperations(
  context: RoleContext,
  deps: { relay: OutboxRelay; warehouse: Warehouse; db: CrmDatabase; crm: ReturnType<typeof createCrm> },
): InstanceOperations {
  const { link, log, logger } = context
  const anchors = createAnchors({
    log,
    db: deps.db,
    head: deps.crm.audit.head,
    onError: (error) => logger.error({ err: error }, 'anchors'),
  })
  let held: NodeJS.Timeout | undefined
  function release(): void {
    if (held === undefined) return
    clearTimeout(held)
    held = undefined
    deps.relay.start()
    anchors.start()
  }
  return {
    start: anchors.start,
    async stop() {
      clearTimeout(held)
      await anchors.stop()
    },
    verify: (options) => link.request<VerifyReport>('worker', 'verify', options, VERIFY_LIMIT_MS),
    async exportWarehouse(folder) {
      if (context.settings.warehouseUrl !== undefined)
        throw new ProblemError('invalid_request', 'the warehouse (HELIO_WAREHOUSE_URL) is a server: use its own BACKUP')
      const found = await stat(folder).catch(() => undefined)
      if (!found?.isDirectory()) throw new ProblemError('invalid_request', `${folder} is no folder here`)
      return exportWarehouse(deps.warehouse, folder)
    },
    async holdEvents() {
      clearTimeout(held)
      held = setTimeout(release, HOLD_LIMIT_MS)
      await Promise.all([deps.relay.stop(), anchors.stop()])
    },
    releaseEvents: release,
    auditAnchor: (tenantId: TenantId) => anchors.newest(tenantId),
  }
}
