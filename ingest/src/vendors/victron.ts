import type { DecodedReading } from '@heliograph/crm-core/contracts'
import { type Decoded, DecodeError, defineVendor, type VendorMessage } from '../vendor.ts'
import {
  type DeviceWindow,
  emptyWindows,
  forget,
  gather,
  get,
  isRecord,
  isSafeKey,
  levelsOf,
  parseJson,
  putFact,
  reading,
  textOf,
  unwrap,
  windowOf,
  type WindowOptions,
  type WindowState,
  wordsOf,
} from '../vocabulary/index.ts'
import { diagnosticsMessages, isDiagnostics } from './victron/portal.ts'
import { buildReading, FACTS, isKept } from './victron/readings.ts'

/**
 * Venus OS sends a value when it changes. Every keepalive (at most each 30 s, see below) makes it send all values again, so a value that
 * did not come for 60 s is not known any more; until then it stands in for windows in which it did not change, so that power and
 * counters sit in one row. A new burst of all values takes less than 2 s.
 */
const WINDOWS: WindowOptions = { windowMs: 2000, carryMs: 60_000, maxDevices: 200, maxValues: 150 }
/** The stream stops about a minute after the last keepalive; two tries fit into it. */
const KEEPALIVE_MS = 30_000
const MAX_PORTALS = 100

interface VictronState {
  portals: Record<string, { keepaliveAt: number; windows: WindowState }>
}
interface VictronTopic {
  portal: string
  service?: string
  instance?: string
  path?: string
}

/**
 * Victron Venus OS: one value per message, `N/<portal id>/<service>/<instance>/<path>` with `{"value": …}`.
 * @see https://github.com/victronenergy/dbus-flashmq
 */
export const victron = defineVendor<VictronState>({
  id: 'victron',
  name: 'Victron Venus OS',
  transports: ['mqtt', 'webhook', 'http'],
  topics: ['N/+/+/+/#'],
  publishTopics: ['N/+/#'],
  downlinkTopics: ['R/+/keepalive'],
  guide: [
    'On the GX device: Settings, Services, MQTT: switch it on, or set up a bridge from its broker.',
    "Bridge N/# to this server and R/+/keepalive back, with the connection's user name and secret.",
    'Nothing else to do: the keepalive that Venus OS asks for is sent from here.',
  ],
  paste: [
    {
      label: 'Bridge for mosquitto.conf',
      transport: 'mqtt',
      text: [
        'connection heliograph',
        'address %host%:%port%',
        'remote_username %user%',
        'remote_password %secret%',
        'topic N/# out 0',
        'topic R/+/keepalive in 0',
      ].join('\n'),
    },
  ],
  shard: (topic) => parseTopic(topic)?.portal ?? '',
  initialState: () => ({ portals: {} }),
  decode(message, state) {
    const topic = parseTopic(message.topic)
    if (topic) return decodeOne(topic, message, state)
    if (/^[RWI]$/.test(levelsOf(message.topic)[0] ?? '')) return { readings: [] } // requests to the device, echoed by a bridge
    const json = parseJson(textOf(message.body))
    if (isDiagnostics(json)) {
      const { readings, rejected } = decodeMany(diagnosticsMessages(json, message), state)
      return { readings: readings.map((one) => ({ ...one, tsSource: 'device' })), ...(rejected && { rejected }) }
    }
    const inner = unwrap(json, message)
    if (!inner)
      throw new DecodeError(
        'unknown-format',
        'a Victron value needs its topic, N/<portal id>/<service>/<instance>/<path>',
      )
    return decodeMany(inner, state)
  },
})

function decodeMany(messages: VendorMessage[], state: VictronState): Decoded {
  const merged = new Map<string, DecodedReading>()
  const all: Required<Decoded> = { readings: [], rejected: [], downlinks: [] }
  for (const message of messages) {
    const topic = parseTopic(message.topic)
    if (!topic) continue
    const one = decodeOne(topic, message, state)
    for (const each of one.readings) merged.set(JSON.stringify([each.device, each.ts]), each)
    all.rejected.push(...(one.rejected ?? []))
    all.downlinks.push(...(one.downlinks ?? []))
  }
  return { ...all, readings: [...merged.values()] }
}

/** `N/<portal>/…`, also behind a bridge's prefix where the portal id looks like one (twelve hexadecimal digits). */
function parseTopic(topic: string | undefined): VictronTopic | undefined {
  const levels = levelsOf(topic)
  const at =
    levels[0] === 'N'
      ? 0
      : levels.findIndex((level, index) => level === 'N' && /^[0-9a-f]{12}$/i.test(levels[index + 1] ?? ''))
  const [portal, service, instance, ...path] = levels.slice(at + 1)
  if (at < 0 || portal === undefined || !isSafeKey(portal)) return undefined
  return { portal, ...(path.length > 0 && { service, instance, path: path.join('/') }) }
}

function decodeOne(topic: VictronTopic, message: VendorMessage, state: VictronState): Decoded {
  const { receivedAt } = message
  const portal = portalOf(state, topic.portal, receivedAt)
  const downlinks = []
  // A clock that went backwards (a replay) asks at once rather than never.
  if (Math.abs(receivedAt - portal.keepaliveAt) >= KEEPALIVE_MS) {
    portal.keepaliveAt = receivedAt
    downlinks.push({ topic: `R/${topic.portal}/keepalive`, body: '' })
  }
  const decoded = decodeValue(topic, message, portal.windows)
  return downlinks.length > 0 ? { ...decoded, downlinks } : decoded
}

function decodeValue(
  { portal, service, instance, path }: VictronTopic,
  message: VendorMessage,
  windows: WindowState,
): Decoded {
  const text = textOf(message.body)
  // An empty payload takes a topic back; otherwise it is an object with the value, even where we do not use it.
  const json = text === '' ? undefined : parseJson(text)
  if (json !== undefined && !isRecord(json)) throw new DecodeError('unknown-format', 'payload is not {"value": …}')
  if (service === undefined || instance === undefined || path === undefined) return { readings: [] } // heartbeat and the like
  const device = `${portal}/${service}/${instance}`
  if (!isSafeKey(device)) throw new DecodeError('unknown-format', 'topic is too long')
  const { receivedAt } = message
  const fact = FACTS.has(path)
  if (!fact && !isKept(service, path)) return { readings: [] }
  if (json !== undefined && !Object.hasOwn(json, 'value'))
    throw new DecodeError('unknown-format', 'payload has no "value"')

  const isNew = !Object.hasOwn(windows.devices, device)
  const window = windowOf(windows, device, receivedAt, WINDOWS)
  if (json === undefined) return left(device, window, isNew, receivedAt)
  if (window.gone) {
    delete window.gone
    window.start = receivedAt // so that the row of its leaving stays
  }
  const build = (rejected: Parameters<typeof buildReading>[3]) => buildReading(service, device, window, rejected)
  const value = get(json, 'value')
  // null, and [] as D-Bus writes it, mean "not valid now": the value is dropped, what else is known stays.
  if (value === null || (Array.isArray(value) && value.length === 0)) {
    const known = Object.hasOwn(window.values, path)
    forget(window, path)
    const rest = known ? build([]) : undefined
    return { readings: rest ? [rest] : [] }
  }
  if (fact) {
    putFact(window, path, wordsOf(value))
    const reading = build([])
    return { readings: reading ? [reading] : [] }
  }
  if (typeof value !== 'number' && typeof value !== 'string' && typeof value !== 'boolean') {
    throw new DecodeError('invalid-field', `${service}/${path}: the value is neither number nor text`)
  }
  return gather(window, path, value, receivedAt, WINDOWS, (_window, rejected) => build(rejected))
}

/** The device left the bus: its values are gone, and its own window begins, so that the last measured row stays. */
function left(device: string, window: DeviceWindow, isNew: boolean, receivedAt: number): Decoded {
  if (window.gone && !isNew) return { readings: [] }
  window.gone = true
  window.start = receivedAt
  window.values = {}
  const time = { ts: receivedAt, tsSource: 'arrival' } as const
  return { readings: [reading(device, time, []).status('unreachable').build()] }
}

function portalOf(state: VictronState, id: string, receivedAt: number) {
  const known = Object.hasOwn(state.portals, id) ? state.portals[id] : undefined
  if (known) return known
  const ids = Object.keys(state.portals)
  if (ids.length >= MAX_PORTALS) {
    const [oldest] = ids.sort((a, b) => (state.portals[a]?.keepaliveAt ?? 0) - (state.portals[b]?.keepaliveAt ?? 0))
    if (oldest !== undefined) delete state.portals[oldest]
  }
  return (state.portals[id] = { keepaliveAt: receivedAt - KEEPALIVE_MS, windows: emptyWindows() })
}
