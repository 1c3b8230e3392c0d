import type { DecodedReading, Metric } from '@heliograph/crm-core/contracts'
import { DecodeError, defineVendor, type Decoded, type Rejection, type VendorMessage } from '../vendor.ts'
import {
  celsiusOf,
  emptyWindows,
  flagOf,
  forget,
  get,
  isRecord,
  isSafeKey,
  levelsOf,
  parseJson,
  put,
  quote,
  reading,
  scale,
  textOf,
  tryJson,
  unwrap,
  valueIn,
  type WindowOptions,
  type WindowState,
  windowOf,
} from '../vocabulary/index.ts'
import { limited } from '../vocabulary/rejections.ts'
import {
  type Availability,
  availabilityOf,
  type DeviceConfig,
  deviceOf,
  type Entity,
  entityOf,
  expand,
  type Flow,
  FLOWS,
  type Slot,
} from './homeassistant-discovery/entity.ts'
import { valueOf } from './homeassistant-discovery/template.ts'

interface DiscoveryState {
  /** By the topic of the config (and the component's key, for devices that describe all of theirs in one message). */
  entities: Record<string, Entity>
  devices: Record<string, DeviceConfig>
  /** By topic and device: a bridge's own topic stands for all of its devices. */
  availability: Record<string, Availability & { topic: string; device: string }>
  /** Configs told about once: topic to what was wrong. */
  refused: Record<string, string>
  windows: WindowState
}
/** A sensor's values come on topics of their own: those of one device within this time are one reading. */
const WINDOW: WindowOptions = { windowMs: 2000, maxDevices: 300, maxValues: 100 }
const MAX_ENTITIES = 2000
const MAX_DEVICES = 300
const MAX_REFUSED = 500

/**
 * Home Assistant MQTT discovery: retained configs say where a value is and what it means; values follow on the topics they name.
 * Topics no config has named measure nothing here.
 */
export const homeassistantDiscovery = defineVendor<DiscoveryState>({
  id: 'homeassistant-discovery',
  name: 'Home Assistant discovery',
  transports: ['mqtt'],
  topics: ['homeassistant/+/+/config', 'homeassistant/+/+/+/config', '#'],
  initialState: () => ({ entities: {}, devices: {}, availability: {}, refused: {}, windows: emptyWindows() }),
  decode(message, state) {
    const topic = message.topic
    if (topic === undefined) {
      // Without a topic only a config can be told: it names its own topics.
      const config = parseJson(textOf(message.body))
      const inner = unwrap(config, message)
      if (inner) return together(inner.map((each) => decodeTopic(each.topic ?? '', each, state)))
      if (!isRecord(config) || !('state_topic' in expand(config) || 'components' in expand(config))) {
        throw new DecodeError('unknown-format', 'a discovery config, or a value with its topic, expected')
      }
      return { readings: [] }
    }
    return decodeTopic(topic, message, state)
  },
  guide: [
    'Point the device (ESPHome, Zigbee2MQTT, an inverter bridge) with MQTT discovery at this server, with the user name and secret of this connection.',
    'Its sensors of class power, energy, voltage, current, frequency and temperature are mapped by their unit; others are kept by name.',
    'Templates that compute more than a path, a factor and rounding are listed under dead letters, once per sensor.',
  ],
  paste: [
    {
      label: 'For a device with ESPHome',
      transport: 'mqtt',
      text: [
        'mqtt:',
        '  broker: %host%',
        '  port: %port%',
        '  username: %user%',
        '  password: %secret%',
        '  discovery: true',
      ].join('\n'),
    },
  ],
})

function decodeTopic(topic: string, message: VendorMessage, state: DiscoveryState): Decoded {
  const config = configTopic(topic)
  return config ? configure(config, topic, message, state) : measure(topic, message, state)
}
const together = (all: Decoded[]): Decoded => ({
  readings: all.flatMap((one) => one.readings),
  rejected: limited(all.flatMap((one) => one.rejected ?? [])),
})

interface ConfigTopic {
  component: string
  node: string
  object: string
}
/** `<prefix>/<component>/[<node>/]<object>/config`. The prefix is `homeassistant` unless the owner changed it. */
function configTopic(topic: string): ConfigTopic | undefined {
  const levels = levelsOf(topic)
  if (levels.at(-1) !== 'config' || levels.length < 4 || levels.length > 6) return undefined
  const component = levels[1] ?? ''
  if (
    levels[0] !== 'homeassistant' &&
    !['sensor', 'binary_sensor', 'switch', 'device', 'number', 'select', 'button'].includes(component)
  )
    return undefined
  const object = levels.at(-2) ?? ''
  return { component, node: levels.length > 4 ? (levels[2] ?? object) : object, object }
}

function configure(where: ConfigTopic, topic: string, message: VendorMessage, state: DiscoveryState): Decoded {
  if (!isSafeKey(topic) || (where.component !== 'sensor' && where.component !== 'device')) return { readings: [] }
  const text = textOf(message.body)
  removeEntities(topic, state)
  if (text.trim() === '') return { readings: [] } // an empty retained config removes the entity
  const raw = parseJson(text)
  if (!isRecord(raw)) throw new DecodeError('unknown-format', 'a discovery config is an object')
  const config = expand(raw)
  const base = typeof raw['~'] === 'string' ? raw['~'] : undefined
  const device = deviceOf(config, where.node, where.component === 'sensor' && where.node === where.object)
  if (!isSafeKey(device.id)) return { readings: [] }
  // One of its configs describes a device, the others may name it only.
  if (Object.hasOwn(state.devices, device.id) || Object.keys(state.devices).length < MAX_DEVICES)
    state.devices[device.id] = { ...state.devices[device.id], ...device }
  for (const told of availabilityOf(config, base)) {
    const key = `${told.topic} ${device.id}`
    if (Object.hasOwn(state.availability, key) || Object.keys(state.availability).length < MAX_DEVICES)
      state.availability[key] = { device: device.id, ...told }
  }
  const rejected: Rejection[] = []
  const sensors: [string, string, Record<string, unknown>][] =
    where.component === 'sensor' ? [[topic, where.object, config]] : componentsOf(config, topic, base)
  for (const [key, object, sensor] of sensors) {
    const entity = entityOf(sensor, device, object, (slot) => isTaken(slot, device.id, state))
    if (typeof entity === 'string') refuse(key, entity, state, rejected)
    else if (entity && Object.keys(state.entities).length < MAX_ENTITIES) state.entities[key] = entity
    else if (entity) refuse(key, `more than ${MAX_ENTITIES} sensors on one connection`, state, rejected)
  }
  return { readings: [], rejected: limited(rejected) }
}

function componentsOf(
  config: Record<string, unknown>,
  topic: string,
  base: string | undefined,
): [string, string, Record<string, unknown>][] {
  if (!isRecord(config.components)) return []
  return Object.entries(config.components)
    .slice(0, 500)
    .flatMap(([object, component]) => {
      if (!isRecord(component) || !isSafeKey(object)) return []
      // Components share the state topic of their device where they have none.
      const sensor: Record<string, unknown> = {
        ...(config.state_topic !== undefined && { state_topic: config.state_topic }),
        ...expand(component, base),
      }
      return sensor.platform === 'sensor'
        ? [[`${topic}#${object}`, object, sensor] as [string, string, Record<string, unknown>]]
        : []
    })
}
const isTaken = (slot: Slot, device: string, state: DiscoveryState): boolean =>
  Object.values(state.entities).some((entity) => entity.device === device && entity.slot === slot)

function removeEntities(topic: string, state: DiscoveryState): void {
  for (const [key, entity] of Object.entries(state.entities)) {
    if (key !== topic && !key.startsWith(`${topic}#`)) continue
    const window = Object.hasOwn(state.windows.devices, entity.device)
      ? state.windows.devices[entity.device]
      : undefined
    if (window) forget(window, entity.slot)
    delete state.entities[key]
  }
}
/** Configs are retained and come again with every connection: each is told about once. */
function refuse(key: string, why: string, state: DiscoveryState, rejected: Rejection[]): void {
  if (Object.hasOwn(state.refused, key) && state.refused[key] === why) return
  if (Object.keys(state.refused).length < MAX_REFUSED) state.refused[key] = why
  rejected.push({ reason: 'invalid-field', detail: `${key.slice(0, 120)}: ${why}` })
}

function measure(topic: string, message: VendorMessage, state: DiscoveryState): Decoded {
  const rejected: Rejection[] = []
  const readings: DecodedReading[] = []
  const entities = Object.values(state.entities).filter((entity) => entity.stateTopic === topic)
  const available = Object.values(state.availability).filter((one) => one.topic === topic)
  if (available.length === 0 && entities.length === 0) return { readings }
  const text = textOf(message.body)
  if (entities.length === 0) {
    for (const { device, offline, path } of available) {
      const said = path === undefined ? text : get(tryJson(text), ...path)
      const word = typeof said === 'string' ? said.trim() : said
      if (word !== offline && flagOf(word) !== false) continue
      readings.push(
        reading(device, { ts: message.receivedAt, tsSource: 'arrival' }, rejected)
          .status('unreachable')
          .extra('status_text', String(word))
          .build(),
      )
    }
    return { readings, rejected }
  }
  const json = tryJson(text)
  if (json === undefined && text.trim() !== '' && entities.every((entity) => entity.template.path !== undefined)) {
    throw new DecodeError('not-json', 'the sensors of this topic expect JSON')
  }
  for (const device of new Set(entities.map((entity) => entity.device))) {
    const window = windowOf(state.windows, device, message.receivedAt, WINDOW)
    for (const entity of entities.filter((one) => one.device === device)) {
      const value = valueOf(entity.template, text, json)
      if (value === undefined) continue
      if (Number.isNaN(value)) {
        // A sensor without a class may well send words.
        if (!entity.slot.startsWith('x:'))
          rejected.push({
            reason: 'invalid-field',
            detail: `${topic.slice(0, 120)}: ${quote(text)} has no number for ${entity.slot.slice(2)}`,
          })
        continue
      }
      put(
        window,
        entity.slot,
        entity.fahrenheit ? celsiusOf(value) : scale(value, entity.factor),
        message.receivedAt,
        WINDOW,
      )
    }
    const built = build(device, window, state, rejected)
    if (built) readings.push(built)
  }
  return { readings, rejected: limited(rejected) }
}

function build(
  device: string,
  window: ReturnType<typeof windowOf>,
  state: DiscoveryState,
  rejected: Rejection[],
): DecodedReading | undefined {
  const built = reading(device, { ts: window.start, tsSource: 'arrival' }, rejected)
  for (const slot of Object.keys(window.values)) {
    const value = valueIn(window, slot)
    const [kind, name = '', key = ''] = slot.split(':')
    if (kind === 'm') built.metric(name as Metric, value)
    else if (kind === 'ac') built.ac(Number(name), { [key]: value })
    else if (kind === 'dc') built.dc(Number(name), { [key]: value })
    else if (kind === 'x') built.extra(slot.slice(2), value)
  }
  putFlows(built, device, window, state)
  putTariffs(built, device, window, state)
  built.sumDc()
  const facts = Object.hasOwn(state.devices, device) ? state.devices[device] : undefined
  if (facts)
    built.attributes({
      name: facts.name,
      model: facts.model,
      firmware: facts.firmware,
      serial: facts.serial,
      parent: facts.parent,
    })
  return built.measured ? built.build() : undefined
}

/** Flows told by a sensor for each direction: their difference, once both of a device are known; a device may have one only. */
function putFlows(
  built: ReturnType<typeof reading>,
  device: string,
  window: ReturnType<typeof windowOf>,
  state: DiscoveryState,
): void {
  for (const flow of Object.keys(FLOWS) as Flow[]) {
    const slots = [`d:${flow}:+`, `d:${flow}:-`] as const
    const values = slots.map((slot) => valueIn(window, slot))
    if (values.every((value) => value === undefined) || valueIn(window, `m:${FLOWS[flow]}`) !== undefined) continue
    if (slots.some((slot, i) => values[i] === undefined && isTaken(slot, device, state))) continue
    built.metric(FLOWS[flow], Number(values[0] ?? 0) - Number(values[1] ?? 0))
  }
}

/** Counters told per tariff: their sum, once all of a device are known, unless it tells the sum itself. */
function putTariffs(
  built: ReturnType<typeof reading>,
  device: string,
  window: ReturnType<typeof windowOf>,
  state: DiscoveryState,
): void {
  for (const metric of ['import_total_wh', 'export_total_wh'] as const) {
    const parts = Object.values(state.entities).filter(
      (entity) => entity.device === device && entity.slot.startsWith(`t:${metric}:`),
    )
    const values = parts.map((entity) => valueIn(window, entity.slot))
    parts.forEach(({ slot }, i) => built.extra(`${metric}_tariff_${slot.slice(slot.lastIndexOf(':') + 1)}`, values[i]))
    if (parts.length < 2 || values.includes(undefined) || isTaken(`m:${metric}`, device, state)) continue
    built.metric(
      metric,
      values.reduce<number>((sum, value) => sum + Number(value), 0),
    )
  }
}
