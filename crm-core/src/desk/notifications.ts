import {
  e164Schema,
  type MailSender,
  type MessageReport,
  type NewRow,
  type NotifyChannel,
  type Row,
  type SendResult,
  type SmsSender,
  type WriteTx,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'

/** Waits between attempts: 30 s doubling to an hour; about eight hours in all before a message is given up. */
const FIRST_WAIT_MS = 30_000
const LONGEST_WAIT_MS = 3_600_000
const MAX_ATTEMPTS = 15
/** A sender that does not answer holds up its own message alone. */
const SEND_TIMEOUT_MS = 20_000
/** A message that is being sent is nobody else's for so long; whoever dies over it leaves it to the next one after that. */
const CLAIM_MS = 60_000

export type OutgoingMessage = Pick<Row<'notification'>, 'channel' | 'recipient' | 'text' | 'dedupeKey'> &
  Partial<
    Pick<Row<'notification'>, 'subject' | 'confidential' | 'userId' | 'ticketId' | 'tenantId'> & {
      /** Not sent before; default: at once. */
      nextAttemptAt: Date
    }
  >

/** Puts messages into the outbox as part of a transaction. What was put there under the same key is not put again. */
export async function queueNotifications(tx: WriteTx, { now }: CrmDeps, messages: OutgoingMessage[]): Promise<number> {
  if (messages.length === 0) return 0
  const fresh = new Map(messages.map((message) => [message.dedupeKey, message]))
  const known = await tx.find('notification', { where: { dedupeKey: { in: [...fresh.keys()] } } })
  for (const { dedupeKey } of known) fresh.delete(dedupeKey)
  const rows = [...fresh.values()].map((message): NewRow<'notification'> => ({
    confidential: false,
    nextAttemptAt: new Date(now()),
    ...message,
    state: 'queued',
    attempts: 0,
  }))
  for (const row of await tx.createMany('notification', rows))
    tx.emit({ type: 'record.changed', resource: 'notification', id: row.id, tenantId: row.tenantId as never })
  return rows.length
}
export const queueNotification = (tx: WriteTx, deps: CrmDeps, message: OutgoingMessage): Promise<number> =>
  queueNotifications(tx, deps, [message])

/** Where a channel reaches a person; undefined where it does not. */
export function addressOf(user: Pick<Row<'user'>, 'email' | 'phone'>, channel: NotifyChannel): string | undefined {
  if (channel === 'mail') return user.email
  return e164Schema.safeParse(user.phone).success ? user.phone! : undefined
}

export interface Senders {
  mail?: MailSender
  sms?: SmsSender
}
export interface DeliveryCounts {
  sent: number
  retried: number
  failed: number
}
/** What became of one attempt, or of a message that a provider told about later. */
export interface DeliveryResult {
  channel: NotifyChannel
  result: keyof DeliveryCounts | 'delivered' | 'undelivered'
  /** Why it was not sent, without a word of whose it was. */
  code?: string
}

/** The outbox's own side: what is due, and what became of it. */
export function createNotifications({ db, now }: CrmDeps) {
  /** Messages whose time has come, oldest first, on the channels given. */
  const due = (channels: readonly NotifyChannel[], limit = 50): Promise<Row<'notification'>[]> =>
    db.system.find('notification', {
      where: { state: 'queued', nextAttemptAt: { lte: new Date(now()) }, channel: { in: channels } },
      orderBy: [['nextAttemptAt', 'asc']],
      limit,
    })

  /** Makes messages this process's own for a while. Of two that want the same one, one gets it. */
  async function claim(rows: Row<'notification'>[]): Promise<Row<'notification'>[]> {
    if (rows.length === 0) return []
    const nextAttemptAt = new Date(now() + CLAIM_MS)
    return await db.system.transaction(async (tx) => {
      const mine: Row<'notification'>[] = []
      for (const row of rows) {
        const unclaimed = { id: row.id, state: 'queued', nextAttemptAt: row.nextAttemptAt } as const
        if ((await tx.updateWhere('notification', unclaimed, { nextAttemptAt })) === 1) mine.push(row)
      }
      return mine
    })
  }

  /** Writes down the outcome of an attempt. */
  async function settle(row: Row<'notification'>, result: SendResult): Promise<keyof DeliveryCounts> {
    const attempts = row.attempts + 1
    const outcome =
      result.outcome === 'sent' ? 'sent' : result.outcome === 'retry' && attempts < MAX_ATTEMPTS ? 'retried' : 'failed'
    const at = now()
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempts - 1))
    await db.system.transaction(async (tx) => {
      // A provider's report can be here before its own answer is written down, and knows better.
      const reported = (await tx.get('notification', row.id)).state !== 'queued'
      await tx.update('notification', row.id, {
        attempts,
        nextAttemptAt: outcome === 'retried' ? new Date(at + wait) : null,
        sentAt: outcome === 'sent' ? new Date(at) : null,
        providerId: result.outcome === 'sent' ? (result.providerId?.slice(0, 200) ?? null) : null,
        ...(!reported && {
          state: outcome === 'retried' ? 'queued' : outcome,
          error: result.outcome === 'sent' ? null : result.reason.slice(0, 500),
        }),
      })
      tx.emit({ type: 'record.changed', resource: 'notification', id: row.id, tenantId: row.tenantId as never })
    })
    return outcome
  }

  /**
   * Sends what is due, on the channels there are senders for; the rest stays in the outbox. One process at a time does this
   * (under a lease), and claims what it sends, for a lease that was lost while a sender was slow. A crash between sending
   * and writing down sends again with the same id, which providers can drop.
   */
  async function deliver(
    senders: Senders,
    limit = 20,
    onResult?: (result: DeliveryResult) => void,
  ): Promise<DeliveryCounts> {
    const counts: DeliveryCounts = { sent: 0, retried: 0, failed: 0 }
    const channels = (['mail', 'sms'] as const).filter((channel) => senders[channel] !== undefined)
    if (channels.length === 0) return counts
    const outcomes = (await claim(await due(channels, limit))).map(async (row) => {
      const answer = await attempt(senders, row)
      const result = await settle(row, answer)
      counts[result]++
      onResult?.({
        channel: row.channel,
        result,
        ...(answer.outcome !== 'sent' && answer.code !== undefined && { code: answer.code }),
      })
    })
    await Promise.all(outcomes)
    return counts
  }

  /**
   * Takes in what a provider tells of a message that it had taken. Only a failure changes anything: a message that was sent
   * is shown as failed, with the reason.
   * @returns false where there is no such message on this channel
   */
  async function report(channel: NotifyChannel, id: string, told: MessageReport): Promise<boolean> {
    return await db.system.transaction(async (tx) => {
      const row = await tx.first('notification', { id, channel })
      // Another message's report under this id: the provider's ids tell them apart once both are known.
      if (
        row === undefined ||
        (row.providerId !== null && told.providerId !== undefined && row.providerId !== told.providerId)
      )
        return false
      if (told.outcome !== 'failed' || row.state === 'failed') return true
      const error = `not delivered: ${told.reason ?? 'no reason given'}`.slice(0, 500)
      await tx.update('notification', id, { state: 'failed', error })
      tx.emit({ type: 'record.changed', resource: 'notification', id, tenantId: row.tenantId as never })
      return true
    })
  }

  /** Messages on these channels whose time has come and that were not sent. */
  const waiting = (channels: readonly NotifyChannel[]): Promise<number> =>
    db.system.count('notification', {
      state: 'queued',
      nextAttemptAt: { lte: new Date(now()) },
      channel: { in: channels },
    })

  return { due, settle, deliver, report, waiting }
}

async function attempt(senders: Senders, row: Row<'notification'>): Promise<SendResult> {
  const { id, recipient: to, text } = row
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<SendResult>((resolve) => {
    timer = setTimeout(
      () => resolve({ outcome: 'retry', reason: 'no answer in time', code: 'no answer in time' }),
      SEND_TIMEOUT_MS,
    )
  })
  try {
    const sending =
      row.channel === 'mail'
        ? senders.mail!.send({ id, to, subject: row.subject ?? '', text })
        : senders.sms!.send({ id, to, text })
    return await Promise.race([sending, timeout])
  } catch (error) {
    return { outcome: 'retry', reason: error instanceof Error ? error.message : 'sending failed' }
  } finally {
    clearTimeout(timer)
  }
}
