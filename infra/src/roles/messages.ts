/** Mail and SMS of the process that owns the CRM: the senders, their figures, and a line for who watches the instance. */
import type { ApiDeps } from '@heliograph/api'
import type { Crm, DeliveryResult, Senders } from '@heliograph/crm-core'
import type { NotifyChannel } from '@heliograph/crm-core/contracts'
import { Counter } from 'prom-client'
import { openEngine, PORTS } from '../engines.ts'
import type { RoleContext } from './context.ts'

export interface Messages {
  senders: Senders
  onDelivery(result: DeliveryResult): void
  reports: Pick<ApiDeps, 'readSmsReport' | 'onSmsReport'>
  /** Those that have a sender: how many messages wait, and why the newest attempt did not get through. */
  channels(crm: Crm): { name: NotifyChannel; waiting(): Promise<number>; trouble(): string | undefined }[]
  stop(): Promise<void>
}

export async function openMessages({ settings, engines, metrics, logger }: RoleContext): Promise<Messages> {
  const mail = await openEngine(PORTS.mail, settings.engineUrls.mail, engines)
  const sms = await openEngine(PORTS.sms, settings.engineUrls.sms, engines)
  const counter = new Counter({
    name: 'helio_notifications_total',
    help: 'Messages to people that were tried, and what providers told of them later',
    labelNames: ['channel', 'result'],
    registers: [metrics],
  })
  const senders: Senders = { ...(mail && { mail }), ...(sms && { sms }) }
  const channels = Object.keys(senders) as NotifyChannel[]
  /** Why the newest attempt of a channel did not get through. */
  const troubles = new Map<NotifyChannel, string>()

  return {
    senders,
    onDelivery({ channel, result, code }) {
      counter.inc({ channel, result })
      if (result === 'retried') {
        // Said once, not for every message that waits for the same server.
        if (!troubles.has(channel)) logger.error({ channel, code }, 'messages wait; they are tried again')
        troubles.set(channel, code ?? 'no reason given')
      } else troubles.delete(channel)
    },
    reports: {
      ...(sms?.readReport && { readSmsReport: sms.readReport.bind(sms) }),
      onSmsReport({ outcome }) {
        if (outcome === 'underway') return
        counter.inc({ channel: 'sms', result: outcome === 'failed' ? 'undelivered' : 'delivered' })
      },
    },
    channels: (crm) =>
      channels.map((channel) => ({
        name: channel,
        waiting: () => crm.notifications.waiting([channel]),
        trouble: () => troubles.get(channel),
      })),
    async stop() {
      await Promise.all([mail?.stop?.(), sms?.stop?.()])
    },
  }
}
