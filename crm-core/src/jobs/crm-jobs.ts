import { newId } from '../../contracts/index.ts'
import type { Crm } from '../crm.ts'
import type { DeliveryResult, Senders } from '../desk/notifications.ts'

export interface CrmJobsOptions {
  crm: Crm
  /** Channels without a sender stay in the outbox. */
  senders?: Senders
  /** Told of every message that was tried. */
  onDelivery?(result: DeliveryResult): void
  onError?(error: unknown, job: string): void
  /** Milliseconds between looks. Default 1 000. */
  tickMs?: number
  /** UTC milliseconds. */
  now?: () => number
}
export interface CrmJobs {
  start(): void
  /** Resolves once the job under way has ended; gives the lease back. */
  stop(): Promise<void>
  /** One look at everything that is due; for tests. Does nothing while another process holds the lease. */
  tick(): Promise<void>
}

const LEASE_MS = 30_000
const RENEW_MS = 10_000
const SWEEP_MS = 3_600_000
/** Between two looks for tickets past their promise. */
const LATE_MS = 15_000
/** A credential that ended while nobody was looking is announced when somebody looks again. */
const LOOK_BACK_MS = 24 * 3_600_000

/**
 * What the CRM does by itself, in one process at a time (under a lease): sends the outbox's messages, cuts sockets whose
 * credential ran out, clears away what is past its time.
 */
export function createCrmJobs({
  crm,
  senders = {},
  onDelivery,
  onError,
  tickMs = 1_000,
  now = Date.now,
}: CrmJobsOptions): CrmJobs {
  const holder = newId<'holder'>()
  let leaseUntil = 0
  let announcedUntil = now() - LOOK_BACK_MS
  let sweptAt = -Infinity
  let lateAt = -Infinity
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined

  async function holdsLease(): Promise<boolean> {
    const asked = now()
    const left = leaseUntil - asked
    // More than a whole lease is left where the clock was set back meanwhile.
    if (left > LEASE_MS - RENEW_MS && left <= LEASE_MS) return true
    const lease = await crm.leases.acquire('crm-jobs', holder, LEASE_MS)
    leaseUntil = lease ? asked + LEASE_MS : 0
    return lease !== undefined
  }
  async function attempt(job: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      onError?.(error, job)
    }
  }
  async function runDue(): Promise<void> {
    if (!(await holdsLease())) return
    await attempt('deliver', () => crm.notifications.deliver(senders, undefined, onDelivery))
    await attempt('announce expired credentials', async () => {
      const until = now()
      await crm.connections.announceExpired(announcedUntil, until)
      announcedUntil = until
    })
    if (now() - lateAt >= LATE_MS) {
      lateAt = now()
      await attempt('late tickets', () => crm.tickets.markLate())
    }
    if (now() - sweptAt >= SWEEP_MS) {
      sweptAt = now()
      await attempt('sweep', async () => {
        await crm.auth.sweep()
        await crm.idempotency.sweep()
      })
    }
  }
  /** Looks never overlap: a slow sender makes the next one later. */
  const tick = (): Promise<void> => {
    running ??= attempt('lease', runDue).finally(() => {
      running = undefined
    })
    return running
  }

  return {
    start() {
      timer ??= setInterval(() => void tick(), tickMs)
    },
    async stop() {
      clearInterval(timer)
      timer = undefined
      await running
      if (leaseUntil > 0) await attempt('lease', () => crm.leases.release('crm-jobs', holder))
      leaseUntil = 0
    },
    tick,
  }
}
