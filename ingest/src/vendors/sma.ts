import { type Decoded, DecodeError, defineVendor, type Rejection, type VendorMessage } from '../vendor.ts'
import { entriesOf, forwarded, inBatch, isRecord, jsonOf } from '../vocabulary/index.ts'
import { limited } from '../vocabulary/rejections.ts'
import {
  energyMeterReading,
  isEnergyMeter,
  isMeasurementSet,
  isSpot,
  isWebBox,
  measurementSetReadings,
  spotReading,
  webBoxReadings,
} from './sma/bridges.ts'
import {
  type Components,
  ennexosReadings,
  isDeviceInfo,
  isListing,
  isMeasurements,
  rememberDevice,
} from './sma/ennexos.ts'
import { codedDevices, type DeviceFacts, factsOf, webconnectReading } from './sma/webconnect.ts'

interface SmaState {
  webconnect: Record<string, DeviceFacts>
  ennexos: Components
}
const MAX_DEVICES = 200

/** SMA inverters read on site: WebConnect (`/dyn/*.json`) of the older series, ennexOS (`/api/v1`) of the newer. */
export const sma = defineVendor<SmaState>({
  id: 'sma',
  name: 'SMA',
  transports: ['http', 'mqtt', 'webhook', 'poll'],
  initialState: () => ({ webconnect: {}, ennexos: { facts: {}, names: {} } }),
  decode: decodeSma,
  guide: [
    'Let a bridge on site read the inverter every 30 seconds or slower: WebConnect models by POST /dyn/getAllOnlValues.json after /dyn/login.json, ennexOS models by GET /api/v1/measurements/live after /api/v1/token.',
    'Forward /dyn/getAllParamValues.json (WebConnect) or the device information (ennexOS) once, so that serial and model are known.',
    'Publish each answer as it came over MQTT with the user name and secret of this connection, or POST it to the webhook address.',
  ],
  paste: [
    {
      label: 'For SBFspot.cfg',
      transport: 'mqtt',
      text: [
        'MQTT_Publisher=/usr/bin/mosquitto_pub',
        'MQTT_Host=%host%',
        'MQTT_Port=%port%',
        'MQTT_Topic=sbfspot_{serial}',
        'MQTT_PublisherArgs=-h {host} -p {port} -u %user% -P %secret% -q 1 -t {topic} -m "{{message}}"',
      ].join('\n'),
    },
  ],
})

/** Bodies that stand for themselves, of readers on site and of the vendor's cloud. */
const OTHERS: readonly (readonly [
  (body: Record<string, unknown>) => boolean,
  (body: Record<string, unknown>, message: VendorMessage, rejected: Rejection[]) => Decoded['readings'],
])[] = [
  [isSpot, spotReading],
  [isEnergyMeter, energyMeterReading],
  [isWebBox, webBoxReadings],
  [isMeasurementSet, measurementSetReadings],
]

function decodeSma(message: VendorMessage, state: SmaState): Decoded {
  const json = jsonOf(message.body)
  const again = (each: VendorMessage) => decodeSma(each, state)
  const inner = forwarded(json, message, again)
  if (inner) return inner
  const rejected: Rejection[] = []
  if (Array.isArray(json)) {
    const list = json as unknown[]
    if (isMeasurements(list))
      return { readings: ennexosReadings(list, state.ennexos, message, rejected), rejected: limited(rejected) }
    for (const entry of list.slice(0, MAX_DEVICES))
      if (isRecord(entry) && isDeviceInfo(entry)) rememberDevice(entry, state.ennexos)
    if (list.length === 0 || list.some(isListing)) return { readings: [] }
    if (list.every(isRecord) || list.every(Array.isArray)) return inBatch(list, message, again)
    throw new DecodeError('unknown-format', 'a list, but not of measurements or devices')
  }
  if (!isRecord(json)) throw new DecodeError('unknown-format', 'an object or a list expected')

  const other = OTHERS.find(([is]) => is(json))
  if (other) return { readings: other[1](json, message, rejected), rejected: limited(rejected) }
  const devices = codedDevices(json)
  const readings = devices.flatMap(([device, codes]) => {
    const facts = factsOf(codes)
    if (
      facts !== undefined &&
      device !== '__proto__' &&
      (Object.hasOwn(state.webconnect, device) || Object.keys(state.webconnect).length < MAX_DEVICES)
    ) {
      state.webconnect[device] = facts
    }
    return webconnectReading(
      device,
      codes,
      (Object.hasOwn(state.webconnect, device) && state.webconnect[device]) || {},
      message,
      rejected,
    )
  })
  if (devices.length > 0) return { readings, rejected: limited(rejected) }
  if (isDeviceInfo(json)) rememberDevice(json, state.ennexos)
  else if (!isQuiet(json))
    throw new DecodeError('unknown-format', 'neither values by code (WebConnect) nor measurements (ennexOS)')
  return { readings: [] }
}

/** Sign-in, errors, the text file of tags (number to text), tokens, listings: answers that measure nothing. */
function isQuiet(json: Record<string, unknown>): boolean {
  const keys = Object.keys(json)
  if (keys.length === 0 || isListing(json)) return true
  if (
    ['result', 'err', 'error', 'access_token', 'plantId', 'name', 'resultCode'].some((key) => Object.hasOwn(json, key))
  )
    return true
  return entriesOf(json)
    .slice(0, 50)
    .every(([key, value]) => /^\d+$/.test(key) && (typeof value === 'string' || value === null))
}
