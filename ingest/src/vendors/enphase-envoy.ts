import { DecodeError, type Decoded, defineVendor, type Rejection, type VendorMessage } from '../vendor.ts'
import { gathered, get, isRecord, levelsOf, parseJson, textOf } from '../vocabulary/index.ts'
import { joinInstant } from '../vocabulary/merge.ts'
import { limited } from '../vocabulary/rejections.ts'
import {
  aggregateReading,
  batteryInventoryReadings,
  batteryPowerReadings,
  deviceDataReadings,
  deviceStatusReadings,
  inverterReadings,
  isDeviceData,
  isDeviceStatus,
  meterReadings,
  reportReadings,
} from './enphase-envoy/devices.ts'
import {
  type EnvoyState,
  initialEnvoyState,
  rememberInfo,
  rememberMeters,
  rememberSilence,
  topicPrefix,
} from './enphase-envoy/identity.ts'
import { cloudReadings, isCloud } from './enphase-envoy/cloud.ts'
import { pageReadings } from './enphase-envoy/pages.ts'
import {
  energyReading,
  isEnergy,
  isLive,
  liveReading,
  productionReadings,
  totalsReading,
} from './enphase-envoy/production.ts'

/** Keys of answers that measure nothing: settings, relays, network, errors, sign-in. */
const QUIET_KEYS = [
  ...[
    'error',
    'err',
    'message',
    'dry_contacts',
    'gen_config',
    'schedule',
    'tariff',
    'PEL',
    'pv_limit_pct',
    'oper_state',
    'admin_state',
  ],
  ...[
    'software_build_epoch',
    'network',
    'wireless',
    'supported',
    'current_network',
    'relay',
    'profile',
    'serial_nums',
    'comm_check',
  ],
  ...[
    'system_id',
    'event_types',
    'sort_by',
    'pcs',
    'enabled',
    'sc_stream',
    'connection',
    'capability',
    'interfaces',
    'status',
    'profile_name',
    'mode',
    'selected_profile',
    'submodules',
  ],
] as const
/** Devices whose last reading is kept for that. */
const MAX_JOINED = 500
/** Paths of the gateway's settings and pages: an answer from there that is not known measures nothing. */
const QUIET_PATHS = new Set([
  'ivp',
  'admin',
  'home',
  'home.json',
  'installer',
  'datatab',
  'inventory',
  'inventory.json',
  'info',
  'info.xml',
])

/**
 * Local answers of the Enphase Envoy / IQ Gateway, forwarded by a bridge: firmware R3 to D8. The bodies do not say which gateway
 * they come from; `/info` does, so a bridge that forwards it first, or a topic that names the gateway, keeps several apart.
 */
export const enphaseEnvoy = defineVendor<EnvoyState>({
  id: 'enphase-envoy',
  name: 'Enphase Envoy / IQ Gateway',
  transports: ['http', 'mqtt', 'webhook', 'poll'],
  shard: topicPrefix,
  initialState: initialEnvoyState,
  decode(message, state) {
    const decoded = decodeText(textOf(message.body), message, state, 0)
    // Several answers tell of one micro-inverter's report: the poorer must not replace the richer.
    const readings = decoded.readings.map((one) => joinInstant(state.last, one, MAX_JOINED))
    return { readings, rejected: limited(decoded.rejected ?? []) }
  },
  guide: [
    'Let a bridge on site (Node-RED, a script) read the gateway once a minute: /info once, /ivp/meters once, then /production.json?details=1, /api/v1/production/inverters and /ivp/meters/readings.',
    "Firmware 7 and later wants a token for that, made with the owner's account at entrez.enphaseenergy.com.",
    'Publish each answer as it came over MQTT under <gateway name>/<path>, for example roof/api/v1/production, with the user name and secret of this connection; or POST it to the webhook address.',
    'Micro-inverters report every 5 to 15 minutes; asking more often gives the same readings again and does no harm.',
  ],
  paste: [
    {
      label: 'Once a minute, on a machine beside the gateway',
      transport: 'mqtt',
      text: `curl -sk -H "Authorization: Bearer $TOKEN" 'https://envoy.local/production.json?details=1' | mosquitto_pub -h %host% -p %port% -u %user% -P %secret% -q 1 -t envoy/production.json -s`,
    },
    {
      label: 'Once a minute, on a machine beside the gateway',
      transport: 'webhook',
      scheme: 'basic',
      text: `curl -sk -H "Authorization: Bearer $TOKEN" 'https://envoy.local/production.json?details=1' | curl -u %user%:%secret% -H 'content-type: application/json' --data-binary @- %address%`,
    },
  ],
})

function decodeText(text: string, message: VendorMessage, state: EnvoyState, depth: number): Decoded {
  const rejected: Rejection[] = []
  const start = text.trimStart().slice(0, 300)
  if (start.startsWith('<')) {
    if (/<envoy_info>/.test(text)) rememberInfo(text, state)
    // Error pages, sign-in pages, and parts of pages as some bridges cut them out.
    else if (/^<[!?a-z]/i.test(start)) return { readings: pageReadings(text, message, state, rejected), rejected }
    else throw new DecodeError('unknown-format', 'markup that no gateway answers with')
    return { readings: [] }
  }
  if (start.startsWith('data:')) return streamed(text, message, state, depth)
  return decodeJson(parseJson(text), message, state, depth)
}

/** `/stream/meter`: lines of `data: {…}`; only the last one counts, the stream has several a second. */
function streamed(text: string, message: VendorMessage, state: EnvoyState, depth: number): Decoded {
  const last = text.split('\n').findLast((line) => line.startsWith('data:'))
  return decodeJson(parseJson((last ?? '').slice(5)), message, state, depth)
}

function decodeJson(json: unknown, message: VendorMessage, state: EnvoyState, depth: number): Decoded {
  const rejected: Rejection[] = []
  if (depth < 2) {
    const deeper = (each: VendorMessage) => decodeText(textOf(each.body), each, state, depth + 1)
    const inner = gathered(json, message, deeper, isBatch)
    if (inner) return inner
  }
  if (Array.isArray(json)) return { readings: decodeList(json as unknown[], message, state, rejected), rejected }
  if (!isRecord(json)) throw new DecodeError('unknown-format', 'no answer of a gateway: an object or a list expected')

  // A recorded exchange: the answer is text inside.
  const recorded = get(json, 'response', 'body')
  if (typeof recorded === 'string' && depth === 0) {
    const path = get(json, 'request', 'url')
    return decodeText(
      recorded,
      typeof path === 'string' ? { ...message, topic: message.topic ?? path } : message,
      state,
      1,
    )
  }
  if (json.wattsNow !== undefined || json.wattHoursLifetime !== undefined)
    return { readings: totalsReading(json, message, state, rejected), rejected }
  if (isEnergy(json)) return { readings: energyReading(json, message, state, rejected), rejected }
  if (isPhases(json)) return { readings: phaseReadings(json, message, state, rejected), rejected }
  if (Array.isArray(json.production) || Array.isArray(json.consumption))
    return { readings: productionReadings(json, message, state, rejected), rejected }
  if (isCloud(json)) return { readings: cloudReadings(json, message, rejected), rejected }
  if (isLive(json)) return { readings: liveReading(json, message, state, rejected), rejected }
  if (isDeviceData(json)) return { readings: deviceDataReadings(json, message, state, rejected), rejected }
  if (isDeviceStatus(json)) return { readings: deviceStatusReadings(json, message, state, rejected), rejected }
  const batteries = json['devices:'] ?? json.devices
  if (Array.isArray(batteries) && batteries.some((one) => get(one, 'real_power_mw') !== undefined))
    return { readings: batteryPowerReadings(batteries as unknown[], message, state, rejected), rejected }
  const secctrl = json.agg_soc === undefined ? json.secctrl : json
  if (isRecord(secctrl)) return { readings: aggregateReading(secctrl, message, state, rejected), rejected }
  if (json.reportType !== undefined) return { readings: reportReadings([json], message, state, rejected), rejected }
  const quiet = Object.keys(json).length === 0 || QUIET_KEYS.some((key) => Object.hasOwn(json, key))
  if (quiet || Array.isArray(batteries) || 'deviceCount' in json || isQuietPath(message)) return { readings: [] }
  throw new DecodeError(
    'unknown-format',
    `no answer of a gateway that is known: ${Object.keys(json).slice(0, 5).join(', ').slice(0, 100)}`,
  )
}

function decodeList(list: unknown[], message: VendorMessage, state: EnvoyState, rejected: Rejection[]) {
  const first = list.find(isRecord)
  if (list.length === 0) return []
  if (first?.serialNumber !== undefined && first.lastReportWatts !== undefined)
    return inverterReadings(list, message, state, rejected)
  if (first?.eid !== undefined && first.measurementType !== undefined) {
    rememberMeters(list, state)
    return []
  }
  if (first?.eid !== undefined && (first.activePower !== undefined || first.actEnergyDlvd !== undefined))
    return meterReadings(list, message, state, rejected)
  if (first?.reportType !== undefined) return reportReadings(list, message, state, rejected)
  if (first?.type !== undefined && first.devices !== undefined) {
    rememberSilence(list, state)
    return batteryInventoryReadings(list, message, state, rejected)
  }
  if (first !== undefined && (isQuietPath(message) || first.eid !== undefined || first.type !== undefined)) return []
  throw new DecodeError('unknown-format', 'a list that no gateway answers with')
}

/** Answers that a bridge gathered: whole bodies, or the recorded exchanges of a proxy. */
const isBatch = (list: readonly unknown[]): boolean =>
  list.every(
    (item) =>
      Array.isArray(item) ||
      (isRecord(item) &&
        (Array.isArray(item.production) ||
          item.wattHoursLifetime !== undefined ||
          isLive(item) ||
          isCloud(item) ||
          typeof get(item, 'response', 'body') === 'string')),
  )

const isQuietPath = (message: VendorMessage): boolean => levelsOf(message.topic).some((level) => QUIET_PATHS.has(level))

/** `/stream/meter`: `{production: {"ph-a": {p, q, s, v, i, pf, f}}, "net-consumption": …}`. */
const PHASES = ['ph-a', 'ph-b', 'ph-c'] as const
const STREAM_TYPES = ['production', 'net-consumption', 'total-consumption'] as const
const isPhases = (json: Record<string, unknown>): boolean =>
  STREAM_TYPES.some((type) => isRecord(get(json, type, 'ph-a')))

function phaseReadings(
  json: Record<string, unknown>,
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
) {
  const list = STREAM_TYPES.filter((type) => isRecord(json[type])).map((type) => {
    // Unused phases are there with zeros and no voltage.
    const lines = PHASES.map((phase) => get(json, type, phase)).filter((line) => Number(get(line, 'v')) > 0)
    const sum = (key: string) => lines.reduce<number>((total, line) => total + Number(get(line, key) ?? 0), 0)
    return {
      reportType: type,
      cumulative: {
        actPower: lines.length > 0 ? sum('p') : undefined,
        reactPwr: lines.length > 0 ? sum('q') : undefined,
        freqHz: get(lines[0], 'f'),
      },
      lines: lines.map((line) => ({
        rmsVoltage: get(line, 'v'),
        rmsCurrent: get(line, 'i'),
        actPower: get(line, 'p'),
      })),
    }
  })
  return reportReadings(list, message, state, rejected)
}
