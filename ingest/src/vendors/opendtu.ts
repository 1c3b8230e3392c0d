import { type Decoded, DecodeError, defineVendor, type VendorMessage } from '../vendor.ts'
import { emptyWindows, gathered, isRecord, levelsOf, textOf, tryJson, type WindowState } from '../vocabulary/index.ts'
import { decodeLivedata, isLivedata } from './opendtu/livedata.ts'
import { decodeTopic, parseTopic } from './opendtu/topics.ts'

/**
 * OpenDTU for Hoymiles inverters: MQTT with one value per message, or the body of `GET /api/livedata/status` (all
 * firmware: a list of inverters, `{"inverters": …}` with everything, or the summary of v24 with details by `?inv=`).
 * @see https://www.opendtu.solar/firmware/mqtt_topics/
 */
export const opendtu = defineVendor<WindowState>({
  id: 'opendtu',
  name: 'OpenDTU (Hoymiles)',
  transports: ['mqtt', 'webhook', 'http', 'poll'],
  topics: ['solar/+/#'],
  guide: [
    'In OpenDTU: Settings, MQTT: enable, set host and port of this server, user name and secret of the connection.',
    'Base topic: leave as it is (solar/) or choose your own; a publish interval of 15 s or more is enough.',
    'Inverters appear under their serial numbers.',
  ],
  paste: [
    {
      label: 'Settings, MQTT',
      transport: 'mqtt',
      text: [
        'Enable MQTT        on',
        'Hostname           %host%',
        'Port               %port%',
        'Username           %user%',
        'Password           %secret%',
        'Base topic         solar/',
        'Publish interval   15 seconds',
      ].join('\n'),
    },
  ],
  initialState: emptyWindows,
  decode: decodeOpendtu,
})

function decodeOpendtu(message: VendorMessage, state: WindowState): Decoded {
  const topic = parseTopic(message.topic)
  if (topic) return decodeTopic(topic, message, state)
  const text = textOf(message.body)
  const json = tryJson(text)
  if (isLivedata(json)) return decodeLivedata(json, message)
  const again = (each: VendorMessage) => decodeOpendtu(each, state)
  const inner = gathered(json, message, again)
  if (inner) return inner
  // Answers of OpenDTU's other pages (limits, event log, inventory, settings) measure nothing.
  if (isRecord(json) && isOtherPage(json, message.topic)) return { readings: [] }
  throw new DecodeError(
    json === undefined ? 'not-json' : 'unknown-format',
    json === undefined ? 'neither an OpenDTU topic nor JSON' : 'JSON is not one of OpenDTU',
  )
}

const OTHER_PAGES = [
  'hints',
  'events',
  'inverter',
  'hw_version_str',
  'fw_build_version',
  'limit_set_status',
  'sdkversion',
  'mqtt_hostname',
  'ntp_server',
]
function isOtherPage(json: Record<string, unknown>, topic: string | undefined): boolean {
  if (levelsOf(topic).includes('api')) return true
  const first = Object.values(json)[0]
  return OTHER_PAGES.some((key) => Object.hasOwn(json, key) || (isRecord(first) && Object.hasOwn(first, key)))
}
