import { type Decoded, DecodeError, defineVendor, type Rejection, type VendorMessage } from '../vendor.ts'
import { gathered, get, isRecord, jsonOf, levelsOf, tryJson } from '../vocabulary/index.ts'
import { limited } from '../vocabulary/rejections.ts'
import { grottReading, isGrott } from './growatt/grott.ts'
import { recordReading, recordsOf } from './growatt/record.ts'
import { fromAdapter, isAdapter, isStick, stickReading, type Sticks } from './growatt/stick.ts'
import { isPackPart, isPackRelay, packRelayReading } from './growatt/storage.ts'

const MAX_RECORDS = 5000

interface GrowattState {
  sticks: Sticks
}

/**
 * Growatt: the device push of the open API (`dataType: dfcData`), the same record as the answer to a query, records of the
 * server's API and pages, the local relay of data logger records, and the free firmware of data loggers.
 */
export const growatt = defineVendor<GrowattState>({
  id: 'growatt',
  name: 'Growatt',
  transports: ['webhook', 'http', 'mqtt', 'poll'],
  topics: ['energy/growatt', 'energy/solar'],
  initialState: () => ({ sticks: {} }),
  decode: decodeGrowatt,
  guide: [
    'Ask Growatt to register the webhook address of this connection as the push URL of your open API account.',
    'Authorise each device for the account with its serial number and PIN (device authorisation of the open API).',
    'The push is answered at once and repeated when it was not; repeated bodies do no harm.',
    'Data loggers behind a local relay (Grott) can publish their records by MQTT to energy/growatt with the user name and secret of this connection.',
    'ShineWiFi sticks with the free firmware (OpenInverterGateway) publish to a topic of your choice, one for each stick.',
  ],
  paste: [
    {
      label: 'For grott.ini',
      transport: 'mqtt',
      text: [
        '[MQTT]',
        'nomqtt = False',
        'mqttip = %host%',
        'mqttport = %port%',
        'mqtttopic = energy/growatt',
        'mqttauth = True',
        'mqttuser = %user%',
        'mqttpassword = %secret%',
      ].join('\n'),
    },
  ],
})

function decodeGrowatt(message: VendorMessage, state: GrowattState): Decoded {
  const json = jsonOf(message.body)
  const again = (each: VendorMessage) => decodeGrowatt(each, state)
  const inner = gathered(json, message, again, (list) => list.every(isRecord) && recordsOf(list).length === 0)
  if (inner) return inner
  if (typeof json !== 'object' || json === null) throw new DecodeError('unknown-format', 'an object expected')
  const rejected: Rejection[] = []
  if (isRecord(json)) {
    if (isGrott(json)) return { readings: grottReading(json, message, rejected), rejected }
    if (isStick(json)) return { readings: stickReading(json, message, state.sticks, rejected), rejected }
    if (isAdapter(json)) return { readings: stickReading(fromAdapter(json), message, state.sticks, rejected), rejected }
    if (isPackRelay(json) || isPackPart(json, message))
      return { readings: packRelayReading(json, message, rejected), rejected }
  }
  const records = recordsOf(unfolded(json))
  if (records.length === 0) {
    if (isRecord(json) && isQuiet(json, message)) return { readings: [] }
    throw new DecodeError('unknown-format', 'neither a device push nor an answer of the open API')
  }
  const readings = records
    .slice(0, MAX_RECORDS)
    .flatMap(([record, serial]) => recordReading(record, serial, message, rejected))
  return { readings, rejected: limited(rejected) }
}

/** Some answers carry the record as JSON inside a text. */
const unfolded = (json: object): unknown =>
  isRecord(json) && typeof json.data === 'string' ? { ...json, data: tryJson(json.data) } : json

const QUIET_KEYS = [
  ...['code', 'access_token', 'grant_type', 'deviceSnList', 'deviceSn', 'refresh_token', 'error', 'error_code'],
  ...['result', 'back', 'obj', 'correlationId', 'success', 'deviceList'],
  // Settings and state of relays and adapters.
  ...['charging_limit', 'safetyfuncen', 'maxoutputactivepp', 'rssi'],
]
/** Answers and requests without measurements: sign-in, authorisations, device information, settings, daily sums, errors. */
function isQuiet(json: Record<string, unknown>, message: VendorMessage): boolean {
  if (QUIET_KEYS.some((key) => Object.hasOwn(json, key)) || levelsOf(message.topic).includes('command')) return true
  // Descriptions of data logger records: where which field stands.
  return Object.entries(json).some(([key, value]) => /^T\d{2}\w+$/.test(key) && get(value, 'decrypt') !== undefined)
}
