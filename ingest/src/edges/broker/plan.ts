/** What one process is to do for one connection to a broker. */
import type { BrokerAddress } from '@heliograph/crm-core'
import type { ConnectionId, TenantId } from '@heliograph/crm-core/contracts'

export interface BrokerPlan {
  connectionId: ConnectionId
  tenantId: TenantId
  vendor: string
  /** Never changes, unique, and short enough for every broker (23 letters and digits in MQTT 3.1.1). */
  clientId: string
  /** Which of the `workers` this is, from 0. Beyond them: a session of an earlier setting, which is emptied. */
  slot: number
  /** More than one share the messages by shared subscriptions. */
  workers: number
  address: BrokerAddress
  caCert: string | null
  username: string | null
  password: string | null
  topics: readonly string[]
  version: 'auto' | '5' | '3.1.1'
  /** Filters of earlier settings, which the broker's session may hold still. */
  retiredTopics: readonly string[]
}

export const planName = ({ connectionId, slot }: Pick<BrokerPlan, 'connectionId' | 'slot'>): string =>
  `${connectionId}/${slot}`

/** Client id of a slot: the first has the connection's own, so that sharing the work later loses nothing. */
export const clientIdOf = ({ clientId, slot }: BrokerPlan): string =>
  slot === 0 ? clientId : `${clientId}-${slot + 1}`

export interface Subscriptions {
  wanted: string[]
  /** What the session may hold beside them. */
  unwanted: string[]
}

/** @param canShare the broker offers shared subscriptions */
export function subscriptionsOf(plan: BrokerPlan, canShare: boolean): Subscriptions {
  const shared = (filter: string): string => `$share/${plan.clientId}/${filter}`
  const share = plan.workers > 1 && canShare
  const isMine = share ? plan.slot < plan.workers : plan.slot === 0
  const wanted = isMine ? plan.topics.map((filter) => (share ? shared(filter) : filter)) : []
  const all = [...plan.topics, ...plan.retiredTopics].flatMap((filter) => [filter, shared(filter)])
  return { wanted, unwanted: [...new Set(all)].filter((filter) => !wanted.includes(filter)) }
}
