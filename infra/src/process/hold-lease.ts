/** What must run once among several processes: whoever holds the lease works, the others stand by. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { createLeases } from '@heliograph/crm-core'
import { openCrm } from '../crm/index.ts'

/** A holder that died is replaced after this; the time a holder may be without the database before it ends itself. */
const LEASE_MS = 10_000
const RENEW_MS = 2_500
const ASK_MS = 1_000

export interface HeldLease {
  /** Gives it to the next one at once. */
  release(): Promise<void>
}

/**
 * Resolves when this process holds the lease. From then on it is renewed; a process that cannot renew it in time ends, since
 * another one may be at work.
 * @param signal ends the waiting
 */
export async function holdLease(
  name: string,
  { crmUrl, logger, signal }: { crmUrl: string; logger: Logger; signal: AbortSignal },
): Promise<HeldLease> {
  const db = await openCrm({ url: crmUrl })
  await db.start()
  const leases = createLeases({ db })
  const holder = randomUUID()
  let token: number | undefined
  for (let told = false; token === undefined;) {
    signal.throwIfAborted()
    token = (await leases.acquire(name, holder, LEASE_MS).catch(() => undefined))?.token
    if (token !== undefined) break
    if (!told) logger.warn({ lease: name }, 'another process does this; standing by')
    told = true
    await sleep(ASK_MS, undefined, { signal })
  }
  // On the monotonic clock: a wall clock that is set must not make a lease longer.
  let renewedAt = performance.now()
  const timer = setInterval(() => {
    const asked = performance.now()
    leases.acquire(name, holder, LEASE_MS).then(
      (lease) => {
        // Another token means that somebody else had it in between.
        if (lease?.token === token) renewedAt = asked
        else giveUp()
      },
      () => undefined,
    )
    if (performance.now() - renewedAt > LEASE_MS - RENEW_MS) giveUp()
  }, RENEW_MS)
  function giveUp(): void {
    logger.fatal({ lease: name }, 'the lease was lost; ending before two do the same')
    process.kill(process.pid, 'SIGKILL')
  }
  return {
    async release() {
      clearInterval(timer)
      await leases.release(name, holder).catch(() => undefined)
      await db.stop()
    },
  }
}
