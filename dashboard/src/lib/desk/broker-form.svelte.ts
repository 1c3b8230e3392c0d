/** What is entered of a company's own broker, when a connection is made and when it is changed. */
import type { BrokerCreate, BrokerUpdate, ConnectionBroker } from '@heliograph/crm-core/contracts'
import type { ApiError } from '#lib/api/problem.ts'

export const BROKER_VERSION_NAMES = {
  auto: 'MQTT 5, else 3.1.1',
  '5': 'MQTT 5',
  '3.1.1': 'MQTT 3.1.1',
} as const

export class BrokerForm {
  url = $state('')
  username = $state('')
  /** Empty when it is changed: the one that is there stays. */
  password = $state('')
  /** One a line. */
  topics = $state('')
  version = $state<keyof typeof BROKER_VERSION_NAMES>('auto')
  workers = $state(1)
  caCert = $state('')
  #before: ConnectionBroker | undefined

  constructor(before?: ConnectionBroker) {
    this.#before = before
    if (!before) return
    this.url = before.url
    this.username = before.username ?? ''
    this.topics = before.topics.join('\n')
    this.version = before.version
    this.workers = before.workers
    this.caCert = before.caCert ?? ''
  }

  get isSecure(): boolean {
    return /^\s*mqtts:/i.test(this.url)
  }
  /** Whether a password is kept that an empty field leaves as it is. */
  get keepsPassword(): boolean {
    return this.#before?.hasPassword === true
  }
  #fields(): Omit<BrokerCreate, 'password'> {
    return {
      url: this.url.trim(),
      username: this.username.trim() || null,
      topics: topicLines(this.topics),
      version: this.version,
      workers: this.workers,
      caCert: this.isSecure && this.caCert.trim() !== '' ? this.caCert.trim() : null,
    }
  }
  made(): BrokerCreate {
    return { ...this.#fields(), ...(this.password !== '' && { password: this.password }) }
  }
  changed(): BrokerUpdate {
    const fields = this.#fields()
    // Without a login there is no password either.
    const password = this.password !== '' ? this.password : fields.username === null ? null : undefined
    return { ...fields, ...(password !== undefined && { password }) }
  }
}

/** Filters as they are entered: one a line. */
export const topicLines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

/** What is wrong with one of the broker's fields; of several filters the first that is wrong. */
export function brokerFault(error: ApiError | undefined, field: string): string | undefined {
  const found = error?.fields.find(({ path }) => {
    const name = path.replace(/^\//, '').replaceAll('/', '.')
    return name === `broker.${field}` || name.startsWith(`broker.${field}.`)
  })
  if (!found) return undefined
  const line = /topics[./](\d+)$/.exec(found.path)?.[1]
  return line === undefined ? found.message : `Line ${String(Number(line) + 1)} ${found.message}`
}
