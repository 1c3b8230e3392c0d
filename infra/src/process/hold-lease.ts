/** What must run once among several processes: whoever holds the lease works, the others stand by. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { createLeases } from '@heliograph/crm-core'
import { openCrm } from '../crm/index.ts'

/** A holder that died is replaced after this, and its successor needs a second or two to begin: both within ten seconds. */
const LEASE_MS = 7_500
const RENEW_MS = 1_500
/** A holder that could not renew ends itself so long before another one may begin, and looks as often. */
const MARGIN_MS = 500
const LOOK_MS = 250
const ASK_MS = 500

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
  // On the monotonic clock: a wall clock that is set must not make a lease longer.
  let renewedAt = performance.now()
  for (let told = false; ;) {
    signal.throwIfAborted()
    renewedAt = performance.now()
    token = (await leases.acquire(name, holder, LEASE_MS).catch(() => undefined))?.token
    // An answer that took long, of a database that was away, says too little about now: asked again, it is renewed.
    if (token !== undefined && performance.now() - renewedAt < LEASE_MS / 2) break
    if (token !== undefined) continue
    if (!told) logger.warn({ lease: name }, 'another process does this; standing by')
    told = true
    await sleep(ASK_MS, undefined, { signal })
  }
  // One at a time: where the database is slow, those that wait for each other would all be asked too long ago.
  let renewing = false
  async function renew(): Promise<void> {
    if (renewing) return
    renewing = true
    const asked = performance.now()
    const lease = await leases.acquire(name, holder, LEASE_MS).catch(() => 'unknown' as const)
    renewing = false
    // Another token means that somebody else had it in between.
    if (lease !== 'unknown' && lease?.token !== token) giveUp()
    else if (lease !== 'unknown') renewedAt = asked
  }
  const timer = setInterval(() => void renew(), RENEW_MS)
  const looking = setInterval(() => {
    if (performance.now() - renewedAt > LEASE_MS - MARGIN_MS) giveUp()
  }, LOOK_MS)
  function giveUp(): void {
    logger.fatal({ lease: name }, 'the lease was lost; ending before two do the same')
    process.kill(process.pid, 'SIGKILL')
  }
  return {
    async release() {
      clearInterval(timer)
      clearInterval(looking)
      await leases.release(name, holder).catch(() => undefined)
      await db.stop()
    },
  }
}
