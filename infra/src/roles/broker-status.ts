/** How tenants' brokers stand, as the processes that serve them say. Told again and again: who says nothing more is gone. */
import type { BrokerStatus } from '@heliograph/crm-core/contracts'
import type { BrokerReport } from '@heliograph/ingest'
import type { Link } from '../process/link.ts'

/** Word from a process of the ingest role: all its subscriptions. */
export interface BrokerNews {
  reports: BrokerReport[]
}

/** Four times the rhythm in which it is told. */
const BELIEVED_MS = 20_000

/** Beside the API. @returns what is known of a connection; undefined where no process has said anything */
export function hearBrokers(link: Link, now: () => number = () => performance.now()) {
  const said = new Map<string, { at: number; reports: Map<string, BrokerReport[]> }>()
  link.on('brokers', (body, from) => {
    const reports = Map.groupBy((body as BrokerNews).reports, ({ connectionId }) => connectionId as string)
    said.set(from, { at: now(), reports })
  })
  return (connectionId: string): BrokerStatus | undefined => {
    for (const [from, { at }] of said) if (now() - at > BELIEVED_MS) said.delete(from)
    return merged([...said.values()].flatMap(({ reports }) => reports.get(connectionId) ?? []))
  }
}

/** Of several workers: one that is connected makes it connected, one in trouble says what is wrong. */
function merged(reports: BrokerReport[]): BrokerStatus | undefined {
  const connected = reports.filter(({ state }) => state === 'connected')
  const failed = reports.filter(({ state }) => state === 'failed')
  const leading = connected[0] ?? failed[0] ?? reports[0]
  if (!leading) return undefined
  const troubled =
    failed.find(({ message }) => message !== undefined) ?? reports.find(({ message }) => message !== undefined)
  return {
    state: leading.state,
    message: troubled?.message ?? null,
    code: troubled?.code ?? null,
    since: new Date(leading.since).toISOString(),
    version: leading.version ?? null,
  }
}
