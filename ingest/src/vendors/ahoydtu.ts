import { type Decoded, DecodeError, defineVendor, type VendorMessage } from '../vendor.ts'
import { emptyWindows, gathered, get, isRecord, levelsOf, textOf, tryJson } from '../vocabulary/index.ts'
import { type AhoyState, decodeBody } from './ahoydtu/bodies.ts'
import { decodeTopic, parseTopic } from './ahoydtu/topics.ts'

/**
 * AhoyDTU for Hoymiles inverters: MQTT with one value per message, or answers of its HTTP interface. An inverter is known
 * by the name that its owner gave it.
 * @see https://github.com/lumapu/ahoy/blob/main/manual/User_Manual.md
 */
export const ahoydtu = defineVendor<AhoyState>({
  id: 'ahoydtu',
  name: 'AhoyDTU (Hoymiles)',
  transports: ['mqtt', 'webhook', 'http', 'poll'],
  topics: ['inverter/+/#'],
  guide: [
    'In AhoyDTU: Settings, MQTT: broker and port of this server, user name and secret of the connection, topic "inverter".',
    'Give each inverter a name of its own: it is what it is known by here. Renaming one makes it a new device.',
    'An MQTT interval of 0 (after each answer of the inverter) or 15 s and more is fine.',
  ],
  paste: [
    {
      label: 'Settings, MQTT',
      transport: 'mqtt',
      text: [
        'Broker / Server IP   %host%',
        'Port                 %port%',
        'Username             %user%',
        'Password             %secret%',
        'Topic                inverter',
        'Interval             15',
      ].join('\n'),
    },
  ],
  initialState: () => ({ ...emptyWindows(), names: {} }),
  decode: decodeAhoy,
})

function decodeAhoy(message: VendorMessage, state: AhoyState): Decoded {
  const text = textOf(message.body)
  const topic = parseTopic(message.topic)
  if (topic) return decodeTopic(topic, text, message, state)
  const json = tryJson(text)
  const again = (each: VendorMessage) => decodeAhoy(each, state)
  const inner = gathered(json, message, again)
  if (inner) return inner
  const decoded = decodeBody(json, message, state)
  if (decoded) return decoded
  if (isRecord(json) && (levelsOf(message.topic).includes('api') || isOtherPage(json))) return { readings: [] }
  throw json === undefined
    ? new DecodeError('not-json', 'neither an AhoyDTU topic nor JSON')
    : new DecodeError('unknown-format', 'JSON is not one of AhoyDTU')
}

/** Pages that measure nothing carry the DTU's own data under `generic`, or an inverter's number. */
const isOtherPage = (json: Record<string, unknown>): boolean =>
  ['ts_uptime', 'esp_type', 'menu_mask'].some(
    (key) => get(json, 'generic', key) !== undefined || get(json, key) !== undefined,
  ) || ['iv_id', 'radio', 'mqtt'].some((key) => Object.hasOwn(json, key))
