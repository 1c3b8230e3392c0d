import type { DecodedReading, DeviceAttributes } from '@heliograph/crm-core/contracts'
import { type Decoded, DecodeError, defineVendor, type Rejection, type VendorMessage } from '../vendor.ts'
import {
  arrival,
  deviceTime,
  emptyWindows,
  epochMs,
  gathered,
  get,
  isRecord,
  levelsOf,
  reading,
  type ReadingTime,
  textOf,
  tryJson,
  type WindowState,
  wordsOf,
} from '../vocabulary/index.ts'
import { joinInstant, type LastReadings } from '../vocabulary/merge.ts'
import {
  channelDevice,
  type Component,
  componentName,
  componentsOf,
  indexOf,
  isMeter,
  kindOf,
  putComponent,
} from './shelly/components.ts'
import { gen1Meter, gen1Readings, gen1Value, isGen1Meter, isGen1Status, isGen1Value } from './shelly/gen1.ts'

interface ShellyState {
  windows: WindowState
  last: LastReadings
}

/** Shelly: MQTT of the first generation (one value a message) and of the later ones (a component a message, RPC notifications), and status answers. */
export const shelly = defineVendor<ShellyState>({
  id: 'shelly',
  name: 'Shelly',
  transports: ['mqtt', 'webhook', 'http'],
  topics: ['+/status/+', '+/events/rpc', '+/online', 'shellies/+/#'],
  initialState: () => ({ windows: emptyWindows(), last: {} }),
  decode: decodeShelly,
  guide: [
    'On the device open Settings > MQTT (older: Internet & Security > Advanced): this server, user name and secret of this connection.',
    'Second generation and later: switch on "RPC status notifications" and "Generic status update"; keep the topic prefix the device suggests.',
    'After claiming, set the role of each device: grid for a meter at the feed-in point, production behind an inverter.',
  ],
  paste: [
    {
      // https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Mqtt: what is set holds after a restart.
      label: 'Second generation and later: run where the device can be reached',
      transport: 'mqtt',
      text: [
        'SHELLY=192.168.1.50',
        `curl -d '{"id":1,"method":"Mqtt.SetConfig","params":{"config":{"enable":true,"server":"%host%:%port%","user":"%user%","pass":"%secret%","rpc_ntf":true,"status_ntf":true}}}' http://$SHELLY/rpc`,
        'curl http://$SHELLY/rpc/Shelly.Reboot',
      ].join('\n'),
    },
    {
      // https://shelly-api-docs.shelly.cloud/gen1/#settings
      label: 'First generation: run where the device can be reached',
      transport: 'mqtt',
      text: [
        'SHELLY=192.168.1.50',
        "curl 'http://'$SHELLY'/settings?mqtt_enable=true&mqtt_server=%host%:%port%&mqtt_user=%user%&mqtt_pass=%secret%'",
        'curl http://$SHELLY/reboot',
      ].join('\n'),
    },
  ],
})

function decodeShelly(message: VendorMessage, state: ShellyState): Decoded {
  const rejected: Rejection[] = []
  const { device, rest } = topicOf(message)
  const text = textOf(message.body)
  if (device !== undefined && rest.length > 0) {
    if (rest[0] === 'online') return { readings: onlineReading(device, text, message, rejected), rejected }
    if (isGen1Value(rest))
      return { readings: gen1Value(device, rest, text, message, state.windows, rejected), rejected }
    if (isQuietTopic(rest)) return { readings: [] }
  }
  const json = tryJson(text)
  const again = (each: VendorMessage) => decodeShelly(each, state)
  const inner = gathered(json, message, again)
  if (inner) return inner
  if (!isRecord(json)) {
    // An input's state, a temperature, a line of the log: plain values that are no meter's. What begins like an object was cut.
    if (json === undefined ? isPlainTopic(message, rest) && !/^\s*[{[]/.test(text) : rest.length > 0)
      return { readings: [] }
    throw new DecodeError(json === undefined ? 'not-json' : 'unknown-format', 'a status object expected')
  }
  const readings = decodeStatus(json, device, rest, message, rejected)
  return { readings: readings.map((one) => joinInstant(state.last, one)), rejected }
}
/** Topics with plain text: all of the first generation, and the log and commands of the later ones. */
const isPlainTopic = (message: VendorMessage, rest: readonly string[]): boolean =>
  rest.length > 0 ||
  /(^|\/)(debug\/(log|trace)|command|announce|error)$/.test(message.topic ?? '') ||
  /^shellies\//.test(message.topic ?? '')

/** The device's prefix and what follows it: `shellypro3em-1/status/em:0`, `shellies/shellyem-1/emeter/0/power`. */
function topicOf(message: VendorMessage): { device?: string; rest: string[] } {
  const levels = levelsOf(message.topic)
  if (levels[0] === 'shellies')
    return levels.length >= 3 ? { device: levels[1], rest: levels.slice(2) } : { rest: levels.slice(1) }
  // A prefix may have several levels; it ends where the device's own names begin.
  const at = levels.findIndex(
    (level, i) =>
      (i > 0 && level === 'status' && i < levels.length - 1) ||
      (level === 'rpc' && levels[i - 1] === 'events') ||
      (i > 0 && level === 'online'),
  )
  if (at < 1) return { rest: [] }
  const start = levels[at] === 'rpc' ? at - 1 : at
  const device = levels.slice(0, start).join('/')
  return { ...(device !== '' && { device: device.slice(0, 200) }), rest: levels.slice(start) }
}
const isQuietTopic = (rest: readonly string[]): boolean =>
  [
    'announce',
    'command',
    'input',
    'input_event',
    'temperature',
    'temperature_f',
    'temperature_status',
    'overtemperature',
    'voltage',
    'longpush',
    'debug',
  ].includes(rest[0] ?? '') ||
  (['relay', 'roller', 'light', 'color', 'white'].includes(rest[0] ?? '') && rest.length !== 3)

function onlineReading(device: string, text: string, message: VendorMessage, rejected: Rejection[]): DecodedReading[] {
  if (text.trim().toLowerCase() !== 'false') return []
  return [reading(device, arrival(message), rejected).status('unreachable').extra('status_text', 'offline').build()]
}

function decodeStatus(
  json: Record<string, unknown>,
  named: string | undefined,
  rest: readonly string[],
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  // A dump: configuration, identity and status in one.
  if (isRecord(json.status) && (isRecord(json.shelly) || isRecord(json.config) || isRecord(json.settings)))
    return dumpReadings(json, json.status, message, rejected)
  const cloud = cloudStatus(json)
  if (cloud) return decodeStatus(cloud.status, cloud.id ?? named, [], message, rejected)
  const source = wordsOf(json.src, 100)
  if (json.method !== undefined || json.result !== undefined) {
    // RPC frames: notifications carry `params`, answers `result`.
    const params = isRecord(json.params) ? json.params : isRecord(json.result) ? json.result : {}
    const device = named ?? source ?? 'shelly'
    // `EM.GetStatus` and its like answer with one component, `Shelly.GetComponents` with a list of them.
    const kind = json.result === undefined ? undefined : kindOf(params)
    if (kind !== undefined)
      return componentReadings(
        device,
        [{ kind, index: indexOf(params), status: params }],
        arrival(message),
        {},
        rejected,
      )
    return statusReadings(
      device,
      Array.isArray(params.components) ? listedStatus(params.components as unknown[]) : params,
      deviceTime(epochMs(params.ts ?? get(params, 'sys', 'unixtime'), 's'), message),
      {},
      rejected,
    )
  }
  if (isGen1Status(json)) return gen1Readings(named ?? macName(json.mac), json, message, rejected)
  if (isGen1Meter(json)) return gen1Meter(named ?? 'shelly', json, message, rejected)
  const component = componentName(rest.at(-1) ?? '')
  if (rest[0] === 'status') {
    if (component && isMeter(component.kind, json))
      return componentReadings(named ?? 'shelly', [{ ...component, status: json }], arrival(message), {}, rejected)
    return [] // status/sys, status/wifi, status/mqtt
  }
  const kind = kindOf(json)
  if (kind !== undefined)
    return componentReadings(
      named ?? 'shelly',
      [{ kind, index: indexOf(json), status: json }],
      arrival(message),
      {},
      rejected,
    )
  if (componentsOf(json).length > 0 || isRecord(json.sys)) {
    return statusReadings(
      named ?? macName(get(json, 'sys', 'mac')),
      json,
      deviceTime(epochMs(get(json, 'sys', 'unixtime'), 's'), message),
      {},
      rejected,
    )
  }
  if (isQuiet(json) || rest.length > 0) return []
  throw new DecodeError('unknown-format', 'no status of a Shelly device')
}
const listedStatus = (components: unknown[]): Record<string, unknown> =>
  Object.fromEntries(
    components.slice(0, 200).flatMap((one) => {
      const key = wordsOf(get(one, 'key'), 40)
      return key === undefined || key === '__proto__' ? [] : [[key, get(one, 'status')]]
    }),
  )

/**
 * The vendor's cloud: `{data: {device_status}}` of a query, `{id, status}` of a newer one's list, `{event, deviceId, status}` of its
 * stream. The status is the device's own.
 */
function cloudStatus(json: Record<string, unknown>): { id?: string; status: Record<string, unknown> } | undefined {
  const asked = get(json, 'data', 'device_status')
  const status = isRecord(asked) ? asked : json.status
  if (!isRecord(status) || (!isRecord(asked) && json.device === undefined && json.id === undefined)) return undefined
  if (!isGen1Status(status) && componentsOf(status).length === 0) return undefined
  const id = wordsOf(json.deviceId ?? json.id ?? status.id ?? get(json, 'device', 'id'), 100)
  return { status, ...(id !== undefined && { id }) }
}
/** Device information, settings, switches, errors, and stored records of the past (they are consumption per minute). */
const QUIET_KEYS =
  'mac fw_id fw device id error code ble cloud mqtt settings config shelly ison data_blocks next_record_ts keys'.split(
    ' ',
  )
const isQuiet = (json: Record<string, unknown>): boolean => QUIET_KEYS.some((key) => Object.hasOwn(json, key))

const macName = (mac: unknown): string => {
  const text = wordsOf(mac, 20)
  return text === undefined ? 'shelly' : `shelly-${text.toLowerCase()}`
}

function dumpReadings(
  dump: Record<string, unknown>,
  status: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const about = dump.shelly
  const device =
    wordsOf(get(about, 'id'), 100) ??
    wordsOf(get(dump.settings, 'device', 'hostname'), 100) ??
    macName(get(about, 'mac') ?? status.mac)
  const facts: DeviceAttributes = {
    serial: wordsOf(get(about, 'mac'), 40),
    model: wordsOf(get(about, 'model') ?? get(about, 'type'), 60),
    firmware: wordsOf(get(about, 'ver') ?? get(about, 'fw'), 60),
    name: wordsOf(get(about, 'name'), 100),
  }
  if (isGen1Status(status))
    return gen1Readings(device, status, message, rejected).map((one) => ({ ...one, attributes: withFacts(facts) }))
  return statusReadings(
    device,
    status,
    deviceTime(epochMs(get(status, 'sys', 'unixtime'), 's'), message),
    facts,
    rejected,
  )
}
const withFacts = (facts: DeviceAttributes): DeviceAttributes => {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined)
  return { kind: 'meter', ...Object.fromEntries(known) }
}

const statusReadings = (
  device: string,
  status: Record<string, unknown>,
  time: ReadingTime,
  facts: DeviceAttributes,
  rejected: Rejection[],
) => componentReadings(device, componentsOf(status), time, facts, rejected)

/** One reading per channel: a meter and its counters (`em:0` and `emdata:0`) are one device. */
function componentReadings(
  device: string,
  components: Component[],
  time: ReadingTime,
  facts: DeviceAttributes,
  rejected: Rejection[],
): DecodedReading[] {
  const channels = new Map<string, Component[]>()
  for (const component of components) {
    const name = channelDevice(device, component)
    channels.set(name, [...(channels.get(name) ?? []), component])
  }
  const readings: DecodedReading[] = []
  for (const [name, parts] of channels) {
    const built = reading(name, time, rejected).attributes({
      ...withFacts(facts),
      ...(name !== device && { parent: device }),
    })
    for (const part of parts) putComponent(built, part)
    if (built.measured) readings.push(built.build())
  }
  return readings
}
