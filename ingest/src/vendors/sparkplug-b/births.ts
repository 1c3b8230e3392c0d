import type { DeviceAttributes } from '@heliograph/crm-core/contracts'
import { isSafeKey, type LastReadings } from '../../vocabulary/index.ts'
import { plainValue, type SparkplugPayload } from './payload.ts'
import { factsOf, type KnownMetric } from './readings.ts'

const MAX_NODES = 100
const MAX_DEVICES = 1000
/** Metrics remembered per device; a birth with more is remembered in part. */
const MAX_METRICS = 3000

/** What the births of one shard said. JSON-serialisable. */
export interface SparkplugState {
  nodes: Record<string, NodeState>
}
export interface NodeState {
  /** Arrival of the last message, to evict the node heard least recently. */
  seen: number
  /** `seq` of the last message, 0 to 255; absent: no node birth was heard in this session. */
  seq?: number
  bdSeq?: number
  /** Timestamp of the node birth, to know a repeated one. */
  bornAt?: number
  /** Arrival at which a rebirth was asked for. */
  askedAt?: number
  /** By device id; the node itself under the empty name. */
  devices: Record<string, Birth>
  /** Last readings, to join messages of one instant: a node may send each metric in a message of its own. */
  last: LastReadings
}
export interface Birth {
  /** Alias to name. */
  aliases: Record<string, string>
  /** Name to [data type, unit]. */
  metrics: Record<string, [datatype: number | null, unit: string | null]>
  facts: Pick<DeviceAttributes, 'serial' | 'model' | 'firmware'>
}

export function nodeOf(state: SparkplugState, key: string, receivedAt: number): NodeState {
  let node = Object.hasOwn(state.nodes, key) ? state.nodes[key] : undefined
  if (!node) {
    const keys = Object.keys(state.nodes)
    if (keys.length >= MAX_NODES) {
      const oldest = keys.reduce((a, b) => ((state.nodes[b]?.seen ?? 0) < (state.nodes[a]?.seen ?? 0) ? b : a))
      delete state.nodes[oldest]
    }
    node = { seen: receivedAt, devices: {}, last: {} }
    state.nodes[key] = node
  }
  node.seen = receivedAt
  return node
}

/**
 * Whether the message follows the one before it. The same number again is the same message again; anything else means that
 * something was lost, or that the node's birth was never heard. Keeps the number either way.
 */
export function seqIsWhole(node: NodeState, type: string, { seq }: SparkplugPayload): boolean {
  if (type === 'NBIRTH') {
    node.seq = seq ?? 0
    return true
  }
  const before = node.seq
  if (seq === undefined) return before !== undefined
  // Before a node birth the numbers cannot be followed; the birth begins them anew.
  if (before === undefined) return false
  node.seq = seq
  return seq === before || seq === (before + 1) % 256
}

/** Remembers a birth. A node birth ends what was known of its devices, unless it is the same one come again. */
export function birthOf(node: NodeState, type: 'NBIRTH' | 'DBIRTH', device: string, payload: SparkplugPayload): Birth {
  if (type === 'NBIRTH') {
    const metric = payload.metrics.find(({ name }) => name === 'bdSeq')
    const bdSeq = metric && Number(plainValue(metric.value, metric.datatype))
    const again = node.bornAt !== undefined && node.bornAt === payload.timestamp && node.bdSeq === bdSeq
    if (!again) node.devices = {}
    if (payload.timestamp === undefined) delete node.bornAt
    else node.bornAt = payload.timestamp
    if (bdSeq === undefined || Number.isNaN(bdSeq)) delete node.bdSeq
    else node.bdSeq = bdSeq
  }
  const templates = Object.entries(payload.templates ?? {}).slice(0, MAX_METRICS)
  const birth: Birth = { aliases: Object.fromEntries(templates), metrics: {}, facts: {} }
  for (const { name, alias, datatype, unit } of payload.metrics.slice(0, MAX_METRICS)) {
    if (name === undefined || !isSafeKey(name)) continue
    birth.metrics[name] = [datatype ?? null, unit ?? null]
    if (alias !== undefined) birth.aliases[alias] = name
  }
  birth.facts = factsOf(knownMetrics(birth, payload).known)
  const devices = Object.keys(node.devices)
  if (devices.length >= MAX_DEVICES && !Object.hasOwn(node.devices, device))
    delete node.devices[devices.find((id) => id !== '') ?? '']
  node.devices[device] = birth
  return birth
}

/** Metrics with the names, types and units of their birth, and those that it did not name. */
export function knownMetrics(birth: Birth, payload: SparkplugPayload): { known: KnownMetric[]; unknown: string[] } {
  const known: KnownMetric[] = []
  const unknown: string[] = []
  const named = (alias: string | undefined): string | undefined =>
    alias !== undefined && Object.hasOwn(birth.aliases, alias) ? birth.aliases[alias] : undefined
  for (const metric of payload.metrics) {
    const { alias } = metric
    const template = named(metric.within)
    const own = metric.name !== undefined && template !== undefined ? `${template}/${metric.name}` : metric.name
    const name = own ?? named(alias)
    const told = name !== undefined && Object.hasOwn(birth.metrics, name) ? birth.metrics[name] : undefined
    if (name === undefined || !told)
      unknown.push(name === undefined ? `alias ${alias ?? 'none'}` : `"${name.slice(0, 60)}"`)
    else known.push({ metric, name, datatype: told[0] ?? undefined, unit: told[1] ?? undefined })
  }
  return { known, unknown }
}
