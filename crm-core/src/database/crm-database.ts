import {
  type AuditNote,
  type Caller,
  type CrmDatabase,
  type ScopedDb,
  type TenantId,
  type WriteTx,
} from '../../contracts/index.ts'
import type { CrmEngine, EngineReads } from './engine.ts'
import { asProblem, createReads } from './reads.ts'
import { createWrites } from './writes.ts'

export interface CrmDatabaseOptions {
  /** UTC milliseconds; instead of the database's clock too. */
  now?: () => number
  /** Called after a commit that put events into the outbox: wakes the relay. Must not throw. */
  onEvents?: (count: number) => void
}

/** One refusal of one kind by one caller is written once in this time, so that a scanner cannot fill the disk. */
const DENIED_EVERY_MS = 60_000
const DENIED_REMEMBERED = 10_000

/** A part of the system acting with the rights of none: consumers, relays, jobs. */
export function systemCaller(part: string, tenantId?: TenantId): Caller {
  return {
    kind: 'system',
    id: part,
    ...(tenantId === undefined ? {} : { tenantId }),
    permissions: new Set(),
    siteScope: 'tenant',
    orgUnitIds: [],
    customerIds: [],
    grants: [],
  }
}

/** The access layer over an engine: the only way in, so that nothing can forget tenancy, visibility, audit or events. */
export function createCrmDatabase(engine: CrmEngine, options: CrmDatabaseOptions = {}): CrmDatabase {
  const now = options.now ?? Date.now
  const refused = new Map<string, number>()
  const timed = <Reads extends EngineReads>(reads: Reads): Reads =>
    options.now === undefined ? reads : { ...reads, clock: () => Promise.resolve(now()) }

  function as(caller: Caller): ScopedDb {
    return {
      ...createReads(timed(engine.reads), caller),
      async transaction<R>(work: (tx: WriteTx) => Promise<R>): Promise<R> {
        let emitted = 0
        try {
          const result = await engine.transaction(async (engineTx) => {
            const writes = createWrites(timed(engineTx), caller, now)
            const answer = await work(writes.tx)
            emitted = await writes.flush()
            return answer
          })
          if (emitted > 0) options.onEvents?.(emitted)
          return result
        } catch (error) {
          throw asProblem(error)
        }
      },
    }
  }

  async function denied(caller: Caller | undefined, note: AuditNote): Promise<void> {
    const key = [caller?.id ?? caller?.origin?.address ?? '', note.action, note.resource, note.resourceId ?? ''].join(
      ' ',
    )
    const at = now()
    if (at - (refused.get(key) ?? -Infinity) < DENIED_EVERY_MS) return
    refused.delete(key)
    refused.set(key, at)
    if (refused.size > DENIED_REMEMBERED) refused.delete(refused.keys().next().value!)
    try {
      const actor = caller ?? systemCaller('anonymous')
      await as(actor).transaction((tx) => {
        tx.audit({ ...note, action: `denied:${note.action}` })
        return Promise.resolve()
      })
    } catch {
      // A refusal stands whether or not it could be written down; the database's health says why it could not.
    }
  }

  return {
    start: () => engine.start(),
    stop: () => engine.stop(),
    health: () => engine.health(),
    as,
    system: as(systemCaller('system')),
    systemIn: (tenantId, part) => as(systemCaller(part, tenantId)),
    denied,
  }
}
