import type {
  AlarmRecord,
  ConsumerPosition,
  LogPosition,
  ReplayProgressRecord,
  UnclaimedRecord,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { applyAlarms } from './apply-alarms.ts'
import { applyUnclaimed } from './apply-unclaimed.ts'

/** How the log's news become rows. Each function saves the offset with its effects: exactly once in effect. */
export function createDesk(deps: CrmDeps) {
  const { db } = deps

  /** Progress of replays; one that is done or failed stays so. */
  async function applyReplayProgress(
    records: readonly ReplayProgressRecord[],
    position: ConsumerPosition,
  ): Promise<number | undefined> {
    // The newest word per replay is all that counts.
    const newest = new Map(records.map((record) => [record.replayId as string, record]))
    return await db.system.transaction(async (tx) => {
      if (!(await tx.advance(position))) return undefined
      let touched = 0
      for (const row of await tx.all('replay', { id: { in: [...newest.keys()] } })) {
        const record = newest.get(row.id)!
        if (row.state === 'done' || row.state === 'failed' || row.tenantId !== record.tenantId) continue
        const { state, done, total } = record
        await tx.update('replay', row.id, { state, done, total, error: record.error?.slice(0, 1000) ?? null })
        touched++
      }
      return touched
    })
  }

  return {
    applyAlarms: (records: readonly AlarmRecord[], position: ConsumerPosition) => applyAlarms(deps, records, position),
    applyUnclaimed: (records: readonly UnclaimedRecord[], position: ConsumerPosition) =>
      applyUnclaimed(deps, records, position),
    applyReplayProgress,
    /** Where a consumer goes on after a start, per partition: offset of the next record. */
    async positions(topic: string, consumer: string): Promise<LogPosition[]> {
      const rows = await db.system.find('consumerOffset', { where: { topic, consumer } })
      return rows.map(({ partition, offset }) => ({ partition, offset }))
    },
  }
}
