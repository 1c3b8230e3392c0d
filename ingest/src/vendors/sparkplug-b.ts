import type { DecodedReading } from '@heliograph/crm-core/contracts'
import { type Decoded, DecodeError, defineVendor, type VendorMessage } from '../vendor.ts'
import { isRecord, isSafeKey, joinInstant, levelsOf, reading, textOf, tryJson, unwrap } from '../vocabulary/index.ts'
import { birthOf, knownMetrics, nodeOf, type NodeState, seqIsWhole, type SparkplugState } from './sparkplug-b/births.ts'
import { encodeRebirth, parsePayload, payloadIn, plainValue, type SparkplugPayload } from './sparkplug-b/payload.ts'
import { readDevice } from './sparkplug-b/readings.ts'

/** A node that cannot answer is not asked again at once. */
const REBIRTH_EVERY_MS = 10_000
const TYPES = new Set(['NBIRTH', 'NDATA', 'NDEATH', 'DBIRTH', 'DDATA', 'DDEATH'])

interface SparkplugTopic {
  group: string
  type: string
  node: string
  device?: string
}

/**
 * Sparkplug B: births name the metrics, data may carry only their alias numbers, deaths take the devices away.
 * @see https://sparkplug.eclipse.org/specification/
 */
export const sparkplugB = defineVendor<SparkplugState>({
  id: 'sparkplug-b',
  name: 'Sparkplug B',
  transports: ['mqtt', 'webhook', 'http'],
  topics: ['spBv1.0/+/+/+/#'],
  publishTopics: ['spBv1.0/#'],
  downlinkTopics: ['spBv1.0/+/NCMD/+'],
  guide: [
    'In the edge node: MQTT server, port, user name and secret of the connection; group and edge node id as you like.',
    'Name metrics after what they are (AC/Power, Energy/Total, DC/1/Voltage) and give engUnit where it is not W, Wh, V or A.',
    'Powers of grid and battery: + is import, + is discharge. Allow the command Node Control/Rebirth.',
  ],
  paste: [
    {
      label: 'Server of the edge node',
      transport: 'mqtt',
      text: ['URL        tcp://%host%:%port%', 'Username   %user%', 'Password   %secret%'].join('\n'),
    },
  ],
  shard(topic) {
    const { group, node } = parseTopic(topic) ?? {}
    return group === undefined ? '' : `${group}/${node}`
  },
  initialState: () => ({ nodes: {} }),
  decode(message, state) {
    const topic = parseTopic(message.topic)
    if (topic) return decodeMessage(topic, message, parseBody(topic, message), state)
    if (levelsOf(message.topic).includes('STATE')) return { readings: [] } // a host application says that it is there
    return decodeForwarded(message, state)
  },
})

/** `spBv1.0/<group>/<type>/<edge node>[/<device>]`, also behind the prefix of a bridge. */
function parseTopic(topic: string | undefined): SparkplugTopic | undefined {
  const levels = levelsOf(topic)
  const at = levels.indexOf('spBv1.0')
  const [group, type, node, device] = levels.slice(at + 1)
  if (at < 0 || group === undefined || type === undefined || node === undefined || group === 'STATE') return undefined
  if (![group, node, device ?? 'none'].every(isSafeKey)) return undefined
  return { group, type, node, ...(device !== undefined && { device }) }
}

/** Commands are for the node, whatever stands in them. */
const parseBody = ({ type }: SparkplugTopic, message: VendorMessage): SparkplugPayload =>
  TYPES.has(type) ? parsePayload(message.body) : { metrics: [] }

/** Without a topic: an envelope of a bridge, or a JSON view that names its topic beside the payload. */
function decodeForwarded(message: VendorMessage, state: SparkplugState): Decoded {
  const json = tryJson(textOf(message.body))
  if (json === undefined) throw new DecodeError('not-json', 'neither a Sparkplug topic nor JSON')
  const inner = unwrap(json, message) ?? (isRecord(json) ? named(json, message) : undefined)
  if (!inner)
    throw new DecodeError(
      'unknown-format',
      'a Sparkplug payload needs its topic, spBv1.0/<group>/<type>/<edge node>/<device>',
    )
  const all: Required<Decoded> = { readings: [], rejected: [], downlinks: [] }
  for (const each of inner) {
    const topic = parseTopic(each.topic)
    if (!topic) throw new DecodeError('unknown-format', 'a forwarded topic is not one of Sparkplug B')
    const one = decodeMessage(topic, each, parseBody(topic, each), state)
    all.readings.push(...one.readings)
    all.rejected.push(...(one.rejected ?? []))
    all.downlinks.push(...(one.downlinks ?? []))
  }
  return all
}
/** `{"topic": …, "<any name>": {"metrics": […]}}` */
function named(json: Record<string, unknown>, message: VendorMessage): VendorMessage[] | undefined {
  const payload = payloadIn(json)
  return payload === undefined ? undefined : unwrap({ topic: json.topic, payload }, message)
}

function decodeMessage(
  topic: SparkplugTopic,
  message: VendorMessage,
  payload: SparkplugPayload,
  state: SparkplugState,
): Decoded {
  const { group, type, device = '' } = topic
  if (!TYPES.has(type)) return { readings: [] }
  if (type.startsWith('D') !== (device !== ''))
    throw new DecodeError('unknown-format', `${type} with a topic of the wrong depth`)
  const node = nodeOf(state, `${group}/${topic.node}`, message.receivedAt)
  const nodeId = `${group}/${topic.node}`
  const id = device === '' ? nodeId : `${nodeId}/${device}`

  if (type === 'NDEATH') return { readings: nodeDied(node, nodeId, payload, message) }
  const whole = seqIsWhole(node, type, payload)
  if (type === 'DDEATH') {
    delete node.devices[device]
    const time = payload.timestamp === undefined ? undefined : payload.timestamp
    const ts =
      time !== undefined && time > 0
        ? { ts: time, tsSource: 'device' as const }
        : { ts: message.receivedAt, tsSource: 'arrival' as const }
    const gone = reading(id, ts, []).status('unreachable').attributes({ parent: nodeId }).build()
    return { readings: [joinInstant(node.last, gone)], ...downlinks(whole, node, topic, message) }
  }

  const birth = type === 'NBIRTH' || type === 'DBIRTH' ? birthOf(node, type, device, payload) : node.devices[device]
  if (!birth) {
    const detail = `${type} of ${id.slice(0, 100)} before its birth: a rebirth was asked for`
    return { readings: [], rejected: [{ reason: 'missing-birth', detail }], ...downlinks(false, node, topic, message) }
  }
  const { known, unknown } = knownMetrics(birth, payload)
  const rejected: NonNullable<Decoded['rejected']> = []
  const attributes = { ...birth.facts, ...(device === '' ? { kind: 'gateway' as const } : { parent: nodeId }) }
  const readings = readDevice(id, known, payload, message, attributes, rejected).map((each) =>
    joinInstant(node.last, each),
  )
  if (unknown.length > 0) {
    const detail = `${unknown.length} metrics of ${id.slice(0, 100)} that its birth did not name, the first ${unknown[0]}`
    rejected.push({ reason: 'missing-birth', detail })
  }
  return {
    readings,
    ...(rejected.length > 0 && { rejected: rejected.slice(0, 100) }),
    ...downlinks(whole && unknown.length === 0, node, topic, message),
  }
}

/**
 * The node's will, or its own goodbye: none of its devices is reachable. A will was written when the node connected, so its
 * time is not the time of death: that of arrival is. A will of an earlier session (another `bdSeq`) comes late and says nothing.
 */
function nodeDied(
  node: NodeState,
  nodeId: string,
  payload: SparkplugPayload,
  message: VendorMessage,
): DecodedReading[] {
  const metric = payload.metrics.find(({ name }) => name === 'bdSeq')
  const bdSeq = metric === undefined ? undefined : plainValue(metric.value, metric.datatype)
  if (bdSeq !== undefined && node.bdSeq !== undefined && Number(bdSeq) !== node.bdSeq) return []
  const time = { ts: message.receivedAt, tsSource: 'arrival' } as const
  const devices = Object.keys(node.devices).filter((device) => device !== '')
  node.devices = {}
  delete node.seq
  delete node.bornAt
  return [
    reading(nodeId, time, []).status('unreachable').attributes({ kind: 'gateway' }).build(),
    ...devices.map((device) =>
      reading(`${nodeId}/${device}`, time, []).status('unreachable').attributes({ parent: nodeId }).build(),
    ),
  ]
}

/** Asks for births where the record has a hole: they bring every value again. */
function downlinks(
  whole: boolean,
  node: NodeState,
  { group, node: name }: SparkplugTopic,
  { receivedAt }: VendorMessage,
): Pick<Decoded, 'downlinks'> {
  if (whole || (node.askedAt !== undefined && Math.abs(receivedAt - node.askedAt) < REBIRTH_EVERY_MS)) return {}
  node.askedAt = receivedAt
  return { downlinks: [{ topic: `spBv1.0/${group}/NCMD/${name}`, body: encodeRebirth(receivedAt) }] }
}
