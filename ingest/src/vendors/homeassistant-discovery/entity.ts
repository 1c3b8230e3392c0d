import type { Metric } from '@heliograph/crm-core/contracts'
import { ampereFactor, get, isFahrenheit, isRecord, unitFactor, voltFactor, wordsOf } from '../../vocabulary/index.ts'
import { parseTemplate, type ValueTemplate } from './template.ts'

/** Where a value goes: a metric, a phase or input, or beside the metrics under its own name. */
export type Slot =
  | `m:${Metric}`
  | `ac:${number}:${'voltage_v' | 'current_a' | 'power_w'}`
  | `dc:${number}:${'voltage_v' | 'current_a' | 'power_w'}`
  /** One direction of a flow that another sensor has the other of: + is import or discharge. */
  | `d:${Flow}:${'+' | '-'}`
  /** The counter of one tariff: only all of them together are the meter's. */
  | `t:${'import_total_wh' | 'export_total_wh'}:${number}`
  | `x:${string}`
/** Flows with a sensor for each direction. */
export const FLOWS = { grid: 'grid_power_w', battery: 'battery_power_w' } as const satisfies Record<string, Metric>
export type Flow = keyof typeof FLOWS

/** One sensor as its discovery message describes it. */
export interface Entity {
  device: string
  stateTopic: string
  template: ValueTemplate
  slot: Slot
  factor: number
  fahrenheit?: boolean
}
export interface DeviceConfig {
  id: string
  name?: string
  model?: string
  firmware?: string
  serial?: string
  parent?: string
}

/** Abbreviations a sender may use, those of the fields read here. */
const LONG: Readonly<Record<string, string>> = {
  stat_t: 'state_topic',
  val_tpl: 'value_template',
  unit_of_meas: 'unit_of_measurement',
  dev_cla: 'device_class',
  stat_cla: 'state_class',
  dev: 'device',
  uniq_id: 'unique_id',
  obj_id: 'object_id',
  avty_t: 'availability_topic',
  avty: 'availability',
  pl_not_avail: 'payload_not_available',
  cmps: 'components',
  p: 'platform',
  ids: 'identifiers',
  mf: 'manufacturer',
  mdl: 'model',
  sw: 'sw_version',
  sn: 'serial_number',
  t: 'topic',
  avty_tpl: 'availability_template',
}

/** Long names, and `~` in topics replaced by the base topic. */
export function expand(config: Record<string, unknown>, inherited?: string): Record<string, unknown> {
  const base = typeof config['~'] === 'string' ? config['~'] : inherited
  const expanded: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(config).slice(0, 200)) {
    if (key === '__proto__') continue
    const name = Object.hasOwn(LONG, key) ? (LONG[key] ?? key) : key
    const isTopic = (name.endsWith('topic') || name === 'topic') && typeof value === 'string'
    expanded[name] = isTopic && base !== undefined ? value.replace(/^~/, () => base).replace(/~$/, () => base) : value
  }
  return expanded
}

/**
 * The device of an expanded config: its first identifier, else the node of the config's topic. A topic without a node (`nodeless`)
 * names the sensor only: there the device's name is what its sensors have in common.
 */
export function deviceOf(config: Record<string, unknown>, node: string, nodeless = false): DeviceConfig {
  const device = isRecord(config.device) ? expand(config.device) : {}
  const ids = device.identifiers
  const id =
    wordsOf(Array.isArray(ids) ? (ids as unknown[])[0] : ids, 150) ??
    wordsOf(get(device.connections, 0, 1), 150) ??
    (nodeless ? wordsOf(device.name, 150) : undefined) ??
    node
  const name = wordsOf(device.name, 150)
  const model = wordsOf(device.model, 150)
  const firmware = wordsOf(device.sw_version, 100)
  const serial = wordsOf(device.serial_number, 100)
  const parent = wordsOf(device.via_device, 150)
  return {
    id,
    ...(name && { name }),
    ...(model && { model }),
    ...(firmware && { firmware }),
    ...(serial && { serial }),
    ...(parent && { parent }),
  }
}

/** A topic that says whether the device is there: the payload, or the value at a path of it, that means "not". */
export interface Availability {
  offline: string
  path?: (string | number)[]
}
export function availabilityOf(
  config: Record<string, unknown>,
  base: string | undefined,
): (Availability & { topic: string })[] {
  const given = Array.isArray(config.availability) ? (config.availability as unknown[]) : [config.availability]
  const listed = given
    .slice(0, 5)
    .filter(isRecord)
    .map((entry) => expand(entry, base))
  const all = [{ topic: config.availability_topic, value_template: config.availability_template }, ...listed] as Record<
    string,
    unknown
  >[]
  return all.flatMap((entry) => {
    if (typeof entry.topic !== 'string' || entry.topic === '') return []
    const offline = wordsOf(entry.payload_not_available ?? config.payload_not_available, 60) ?? 'offline'
    const text = typeof entry.value_template === 'string' ? entry.value_template : undefined
    const path = text === undefined ? undefined : parseTemplate(text)?.path
    return [{ topic: entry.topic.slice(0, 500), offline, ...(path && { path }) }]
  })
}

/**
 * The entity of a sensor's expanded config, or words about what is not understood. Sensors without a state topic or with a text
 * for a value are `undefined`: nothing to measure.
 */
export function entityOf(
  config: Record<string, unknown>,
  device: DeviceConfig,
  objectId: string,
  taken: (slot: Slot) => boolean,
): Entity | string | undefined {
  const stateTopic = config.state_topic
  if (typeof stateTopic !== 'string' || stateTopic === '' || stateTopic.length > 500) return undefined
  const unit = wordsOf(config.unit_of_measurement, 30)
  if (unit === undefined && config.state_class === undefined) return undefined // text, or a state
  const text = typeof config.value_template === 'string' ? config.value_template : undefined
  const template = parseTemplate(text)
  if (!template) return `value_template ${JSON.stringify(text?.slice(0, 80))} is beyond what is understood`
  const words = [config.object_id, config.unique_id, config.name, objectId]
    .map((word) => (typeof word === 'string' ? word.slice(0, 150) : ''))
    .join(' | ') // so that no pattern is met by the end of one and the beginning of the next
    .toLowerCase()
  const found = placeOf(wordsOf(config.device_class, 40), unit ?? '', words, stateTopic, config.state_class)
  const fallback: Slot = `x:${objectId.slice(0, 90)}`
  // Two sensors of one kind on one device: the first is the value, the others are kept by name.
  if (!found || taken(found.slot)) return { device: device.id, stateTopic, template, slot: fallback, factor: 1 }
  return { device: device.id, stateTopic, template, ...found }
}

interface Place {
  slot: Slot
  factor: number
  fahrenheit?: boolean
}
const metricPlace = (metric: Metric, unit: string): Place | undefined => {
  const factor = unitFactor(unit, metric)
  return factor === undefined ? undefined : { slot: `m:${metric}`, factor }
}

function placeOf(
  deviceClass: string | undefined,
  unit: string,
  words: string,
  stateTopic: string,
  stateClass: unknown,
): Place | undefined {
  switch (deviceClass ?? classOfUnit(unit)) {
    case 'power':
      return powerPlace(unit, words, stateTopic)
    case 'energy':
    case 'energy_storage':
      return INPUT_TOPIC.test(stateTopic) ? undefined : energyPlace(unit, words, stateClass)
    case 'temperature':
      return temperaturePlace(unit, words)
    case 'voltage':
      return channelPlace(words, stateTopic, 'voltage_v', voltFactor(unit))
    case 'current':
      return channelPlace(words, stateTopic, 'current_a', ampereFactor(unit))
    case 'frequency':
      return WORDS.otherOutput.test(words) ? undefined : metricPlace('frequency_hz', unit)
    case 'power_factor':
      return phaseOf(words) === undefined ? { slot: 'm:power_factor', factor: unit === '%' ? 0.01 : 1 } : undefined
    case 'reactive_power':
      return phaseOf(words) === undefined ? metricPlace('reactive_power_var', unit) : undefined
    case 'irradiance':
      return metricPlace('irradiance_wm2', unit)
    case 'wind_speed':
      return metricPlace('wind_ms', unit)
    case 'battery':
      return unit === '%' ? { slot: 'm:battery_soc_pct', factor: 1 } : undefined
    default:
      return undefined
  }
}
function classOfUnit(unit: string): string | undefined {
  if (unitFactor(unit, 'energy_total_wh') !== undefined && /h$/i.test(unit)) return 'energy'
  if (/^[kM]?W$/.test(unit)) return 'power'
  if (/^k?Hz$/.test(unit)) return 'frequency'
  return /^°[CF]$/.test(unit) ? 'temperature' : undefined
}

const DC = /\b(pv|dc|string|mppt|input|panel|solar)[\s_-]?(\d)?\b|(?:^|[_\s-])(pv|dc|string|mppt)(\d)|_dc\b/
const NUMBERED =
  /\b(?:pv|dc|string|mppt|input|panel|solar)(?:[\s_-](?:string|mppt|input|panel|voltage|current|power))?[\s_-]?(\d)\b/
/** Inputs of micro-inverters as their two gateways publish them: `…/116180001111/1/voltage`, `…/ch1/U_DC`. */
const INPUT_TOPIC = /\/[0-9a-f]{12}\/([1-9])\/\w+$|\/ch([1-9])\/\w+$/i
function inputOf(words: string, stateTopic: string): { number?: number } | undefined {
  const input = INPUT_TOPIC.exec(stateTopic)
  if (input) return { number: Number(input[1] ?? input[2]) }
  const named = DC.exec(words)
  if (!named) return undefined
  const number = Number(NUMBERED.exec(words)?.[1] ?? named[4])
  return number >= 1 ? { number } : {}
}
/** Words of owners' languages: English, German, Dutch, French, Spanish, Italian. */
const WORDS = {
  // A compressor's output is heat.
  notPower:
    /apparent|limit|nominal|rated|max|peak|schein|begrenz|nennleist|forecast|prognose|compressor|surplus|überschuss/,
  /** Outputs and inputs beside the grid's: 0 W and 0 V all day where the grid is there. */
  otherOutput: /(?<![a-z])(?:eps|ups|aux|(?:non.?)?essential|backup|(?<!pv[\s_])generator|genset)(?![a-z0-9])/,
  bus: /(?<![a-z-])bus(?![a-z0-9])/,
  grid: /grid|\bnet[\s_](?:power|consum)|netz|réseau|reseau|\brete\b|(^|[^a-z])red([^a-z]|$)/,
  export:
    /export|feed|return|to[_\s]grid|sold|einspeis|teruglever|inject|verkauf|rückspeis|liefer|(?<![a-z])a-(?![a-z0-9])|energy[\s_]minus/,
  import: /import|from[_\s]grid|to[_\s]user|bought|purchas|bezug|afname|soutir|einkauf|(?<![a-z])a\+|energy[\s_]plus/,
  battery: /batter|akku|speicher|bater[ií]a|\baccu\b/,
  discharge: /discharg|entlad|ontlad|décharg|descarg/,
  charge: /charg|laden|ladung|ladeleist|carga/,
  load: /load|consum|house|\bhome\b|haus|verbrauch|verbruik|\bcasa\b|\bev[\s_]|wallbox|heat[\s_-]?pump|w(?:ä|ae)rmepumpe|boiler|heater|heating|heizstab/,
  pv: /\b(?:pv|solar|photovoltai)/,
  day: /today|daily|day\b|_day|heute|tages|vandaag|aujourd|\bhoy\b|\boggi\b/,
  heating: /water|boiler|flow|return|room|indoor|tank|dhw|cpu|kessel|raum|innen|vorlauf|wasser|pool|thermostat/,
  other:
    /yesterday|month|year|week|hour|gestern|monat|jahr|woche|stunde|gisteren|maand|hier\b|ayer|ieri|days\b|(?<![a-z])net[\s_]energy/,
} as const

function powerPlace(unit: string, words: string, stateTopic: string): Place | undefined {
  if (WORDS.notPower.test(words) || WORDS.otherOutput.test(words)) return undefined
  const place = (metric: Metric) => metricPlace(metric, unit)
  const flow = (name: Flow, plus: RegExp, minus: RegExp): Place | undefined => {
    const found = place(FLOWS[name])
    const sign = minus.test(words) ? '-' : plus.test(words) ? '+' : undefined
    return found && sign ? { ...found, slot: `d:${name}:${sign}` } : found
  }
  // A discharge is called a charge in part: it is looked for first.
  if (WORDS.battery.test(words)) {
    if (WORDS.discharge.test(words)) return flow('battery', WORDS.discharge, /$^/)
    return flow('battery', /$^/, WORDS.charge)
  }
  // One phase of these is not the whole.
  const onePhase = phaseOf(words) !== undefined
  if (DSMR_POWER.test(words)) return onePhase ? undefined : flow('grid', DSMR_POWER, /power[\s_](?:returned|minus|p-)/)
  if (WORDS.grid.test(words) || /\b(export|import|feed.?in|einspeis\w*)\b/.test(words))
    return onePhase ? undefined : flow('grid', WORDS.import, WORDS.export)
  if (WORDS.load.test(words)) return onePhase ? undefined : place('load_power_w')
  const input = inputOf(words, stateTopic)
  const factor = unitFactor(unit, 'dc_power_w')
  if (input && !/\bac\b|_ac_/.test(words) && factor !== undefined) {
    // All of the modules together; where "dc" is said, it is the inverter's input.
    if (input.number === undefined)
      return place(WORDS.pv.test(words) && !/dc/.test(words) ? 'pv_power_w' : 'dc_power_w')
    return { slot: `dc:${input.number - 1}:power_w`, factor }
  }
  return phaseOf(words) === undefined
    ? place('ac_power_w')
    : factor === undefined
      ? undefined
      : { slot: `ac:${phaseOf(words) ?? 0}:power_w`, factor }
}
/** Meters that speak from the grid's side: what is delivered (+) is taken by the house. */
const DSMR_POWER = /power[\s_](?:delivered|returned|plus|minus|p\+|p-)/
const TARIFF =
  /(?:tariff?|tier|(?<![a-z0-9])t)[\s_]?([1-9])(?![0-9])|(?<![a-z])(?:[hn]t|(?:hoch|nieder)tarif)(?![a-z0-9])/
/** Counter of one tariff: the direction must be said, and the tariff be a number, for the sum of all to be made. */
function tariffPlace(unit: string, words: string, tariff: string | undefined): Place | undefined {
  const metric = /return|produc|export|einspeis|injec|received/.test(words)
    ? 'export_total_wh'
    : /deliver|consum|import|bezug|verbr/.test(words)
      ? 'import_total_wh'
      : undefined
  const factor = metric && unitFactor(unit, metric)
  return metric === undefined || factor === undefined || tariff === undefined || WORDS.day.test(words)
    ? undefined
    : { slot: `t:${metric}:${Number(tariff)}`, factor }
}
/** The counter of one phase or of one input is a part of the device's. */
const isPart = (words: string): boolean =>
  phaseOf(words) !== undefined ||
  /(?<![a-z])(?:pv|string|mppt|input|panel|channel)(?:[\s_]energy)?[\s_-]?\d(?!\d)/.test(words)

function energyPlace(unit: string, words: string, stateClass: unknown): Place | undefined {
  if (WORDS.other.test(words) || WORDS.battery.test(words) || WORDS.charge.test(words) || stateClass === 'measurement')
    return undefined
  if (isPart(words) || WORDS.otherOutput.test(words)) return undefined
  const tariff = TARIFF.exec(words)
  if (tariff) return tariffPlace(unit, words, tariff[1])
  // Zigbee meters: delivered to the house and received from it; what they call produced is what went out.
  if (/summ[\s_]delivered/.test(words)) return metricPlace('import_total_wh', unit)
  if (/summ[\s_]received|produced.*zigbee2mqtt/.test(words)) return metricPlace('export_total_wh', unit)
  const direction = [WORDS.export, WORDS.import, WORDS.load].some((pattern) => pattern.test(words))
  if (WORDS.day.test(words)) return direction || /grid/.test(words) ? undefined : metricPlace('energy_day_wh', unit)
  if (WORDS.export.test(words)) return metricPlace('export_total_wh', unit)
  if (WORDS.import.test(words)) return metricPlace('import_total_wh', unit)
  if (WORDS.load.test(words)) return undefined
  return metricPlace('energy_total_wh', unit)
}
function temperaturePlace(unit: string, words: string): Place | undefined {
  const metric: Metric = /module|modul|panel|cell/.test(words)
    ? 'module_temp_c'
    : /ambient|environment|outdoor|outside|weather|außen|aussen|umgebung/.test(words)
      ? 'ambient_temp_c'
      : 'inverter_temp_c'
  if (WORDS.battery.test(words) || (metric === 'inverter_temp_c' && WORDS.heating.test(words))) return undefined
  if (isFahrenheit(unit)) return { slot: `m:${metric}`, factor: 1, fahrenheit: true }
  return metricPlace(metric, unit)
}
/** Between two phases. (Two letters alone may be of a hardware address.) */
const LINE_TO_LINE =
  /(?<![a-z0-9])(?:l[123][\s_-]?(?:to[\s_-])?l[123]|[abc]-[abc]|(?:line|voltage)[\s_](?:ab|bc|ca))(?![a-z0-9])|line[\s_-]to[\s_-]line/
function phaseOf(words: string): number | undefined {
  const match =
    /(?:phase|\bl|_l)[\s_-]?([123])(?![0-9])|(?:phase|power|energy|voltage|current|produced|factor)[\s_-]?([abc])(?![a-z0-9+-])/.exec(
      words,
    )
  if (!match) return undefined
  return match[1] ? Number(match[1]) - 1 : 'abc'.indexOf(match[2] ?? 'a')
}
function channelPlace(
  words: string,
  stateTopic: string,
  key: 'voltage_v' | 'current_a',
  factor: number | undefined,
): Place | undefined {
  if (factor === undefined || WORDS.battery.test(words)) return undefined
  if (
    WORDS.otherOutput.test(words) ||
    WORDS.bus.test(words) ||
    LINE_TO_LINE.test(words) ||
    /(?<![a-z])load(?![a-z])/.test(words)
  )
    return undefined
  const input = inputOf(words, stateTopic)
  if (input) return { slot: `dc:${(input.number ?? 1) - 1}:${key}`, factor }
  return { slot: `ac:${phaseOf(words) ?? 0}:${key}`, factor }
}
