/** What a connection says of a tenant's own broker: checked, and merged with what was there. */
import { isIP } from 'node:net'
import type { BrokerCreate, BrokerSettings, BrokerUpdate } from '../../contracts/index.ts'
import type { BrokerHosts } from './broker-hosts.ts'

export interface BrokerAddress {
  tls: boolean
  host: string
  port: number
}
interface Fault {
  path: string
  message: string
}

const DEFAULT_PORTS = { mqtt: 1883, mqtts: 8883 } as const
/** Filters of earlier settings that are kept to be taken back; the oldest go first. */
const MAX_RETIRED = 64

/** @throws Error with what is wrong, as the end of a sentence */
export function brokerAddress(text: string): BrokerAddress {
  const match = /^(mqtts?):\/\/([^/?#]*)\/?$/i.exec(text.trim())
  if (!match) throw new Error('must look like mqtt://host:1883 or mqtts://host:8883')
  const authority = match[2]!
  if (authority.includes('@')) throw new Error('must not hold a login: user name and password have fields of their own')
  const scheme = match[1]!.toLowerCase() as 'mqtt' | 'mqtts'
  const parts = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_]([a-z0-9._-]*[a-z0-9_])?\.?))(?::(\d{1,5}))?$/i.exec(authority)
  const host = (parts?.[1] ?? parts?.[2])?.toLowerCase()
  const port = parts?.[4] === undefined ? DEFAULT_PORTS[scheme] : Number(parts[4])
  if (host === undefined || (parts?.[1] !== undefined && isIP(host) !== 6)) throw new Error('names no host')
  if (port < 1 || port > 65_535) throw new Error('names no port')
  return { tls: scheme === 'mqtts', host, port }
}

/** The address in one spelling, its port always there. */
export function brokerUrl({ tls, host, port }: BrokerAddress): string {
  return `${tls ? 'mqtts' : 'mqtt'}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

/** What is wrong with a topic filter (MQTT 3.1.1 section 4.7); undefined for a good one. */
export function filterFault(filter: string): string | undefined {
  // The broker's own topics, and shared subscriptions, which are made here.
  if (filter.startsWith('$')) return 'must not begin with $'
  if (/[\u0000-\u001f\u007f\ufffd]/.test(filter)) return 'holds a character that a topic cannot have'
  const levels = filter.split('/')
  for (const [index, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || index < levels.length - 1)) return 'may have # only as its last level'
    if (level.includes('+') && level !== '+') return 'may have + only as a whole level'
  }
  return undefined
}

/**
 * The settings as they are stored.
 * @param before absent when the connection is made
 */
export function mergeBroker(
  input: BrokerCreate | BrokerUpdate,
  before: BrokerSettings | undefined,
  hosts: BrokerHosts,
): { settings: BrokerSettings; faults: Fault[] } {
  const faults: Fault[] = []
  const fault = (field: string, message: string) => faults.push({ path: `broker.${field}`, message })
  const settings: BrokerSettings = {
    url: before?.url ?? '',
    username: input.username === undefined ? (before?.username ?? null) : input.username,
    hasPassword: input.password === undefined ? (before?.hasPassword ?? false) : input.password !== null,
    topics: [...new Set(input.topics ?? before?.topics ?? [])],
    version: input.version ?? before?.version ?? 'auto',
    workers: input.workers ?? before?.workers ?? 1,
    caCert: input.caCert === undefined ? (before?.caCert ?? null) : input.caCert,
    retired: { topics: [], workers: Math.max(before?.retired.workers ?? 1, before?.workers ?? 1) },
  }
  if (input.url !== undefined)
    try {
      const address = brokerAddress(input.url)
      settings.url = brokerUrl(address)
      const literal = address.host === 'localhost' ? '127.0.0.1' : address.host
      const refusal = isIP(literal) === 0 ? undefined : hosts.refusal(address.host, literal)
      if (refusal !== undefined) fault('url', refusal)
      // Whoever may change an address must not be able to have the password sent to a listener of their own.
      if (before?.hasPassword === true && before.url !== settings.url && input.password === undefined)
        fault('password', 'is needed again: it is not sent to another address')
    } catch (error) {
      fault('url', (error as Error).message)
    }
  for (const [index, filter] of settings.topics.entries()) {
    const wrong = filterFault(filter)
    if (wrong !== undefined) fault(`topics.${index}`, wrong)
  }
  if (settings.hasPassword && settings.username === null) fault('username', 'is needed where there is a password')
  if (settings.workers > 1 && settings.version === '3.1.1')
    fault('workers', 'more than one needs shared subscriptions, and so MQTT 5')
  if (settings.caCert !== null) {
    settings.caCert = settings.caCert.trim()
    if (!/^-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----$/.test(settings.caCert))
      fault('caCert', 'must be a certificate in PEM')
    else if (!settings.url.startsWith('mqtts:')) fault('caCert', 'is for mqtts:// only')
  }
  // Another broker has never heard of what was asked of this one.
  if (before !== undefined && before.url === settings.url)
    settings.retired.topics = [...new Set([...before.topics, ...before.retired.topics])]
      .filter((filter) => !settings.topics.includes(filter))
      .slice(0, MAX_RETIRED)
  else settings.retired.workers = 1
  return { settings, faults }
}
