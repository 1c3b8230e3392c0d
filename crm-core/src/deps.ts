import type { CrmDatabase } from '../contracts/index.ts'
import type { BrokerHosts } from './assets/broker-hosts.ts'
import type { FailurePeers } from './auth/failure-limits.ts'

/** What every service is built from. */
export interface CrmDeps {
  db: CrmDatabase
  /** `HELIO_SECRET`: from it come the keys that encrypt webhook secrets at rest. */
  secret: string
  /** Where people reach the page: links in mails. Without a slash at the end. */
  publicUrl: string
  /** Which addresses a connection may make us reach: `HELIO_BROKER_HOSTS`. */
  brokerHosts: BrokerHosts
  /** UTC milliseconds. */
  now: () => number
  /** Other processes that people sign in at: wrong passwords count at all of them. Absent: there is none. */
  signInPeers?: FailurePeers
}
