import type { DecodedReading } from '@heliograph/crm-core/contracts'
import { type Decoded, DecodeError, defineVendor, type Rejection, type VendorMessage } from '../vendor.ts'
import {
  arrival,
  celsiusOf,
  entriesOf,
  finiteOf,
  gathered,
  get,
  isRecord,
  levelsOf,
  numberOf,
  reading,
  type ReadingBuilder,
  roundTo,
  textOf,
  timeOf,
  tryJson,
  wordsOf,
} from '../vocabulary/index.ts'
import { isScriptedMeter, putScriptedMeter } from './tasmota/scripted.ts'
import { isTeleinfo, putTeleinfo } from './tasmota/teleinfo.ts'

const PREFIXES = new Set(['tele', 'stat', 'cmnd'])
/** Messages of the firmware that hold no measurements, by the topic's last level. */
const QUIET =
  /^(STATE|INFO\d*|POWER\d*|RESULT|UPTIME|MARGINS|LOGGING|HASS_STATE|WAKEUP|STATUS(1|2|3|4|5|6|7|9|1[1-9]))$/
/** Parts of status answers and results without a sensor in them. */
const QUIET_KEYS =
  /^(Status\w*|UTC|Local|PowerLow|POWER\d*|Info\d|Uptime|Wifi|Command|Restart|Upgrade|TelePeriod|Module|t|sn|Warning|Mqtt\w*|Hostname|SerialLog|ProgramSize|BuildDateTime)$/
const MAX_PHASES = 8
const MAX_METERS = 16

/**
 * Tasmota: `tele/<device>/SENSOR` and `stat/<device>/STATUS8|10`, whatever order the owner gave the topic. It is a meter: what it
 * measures (production, grid, load) is the role of the device, so its power is `ac_power_w` with the sign it has.
 */
export const tasmota = defineVendor({
  id: 'tasmota',
  name: 'Tasmota',
  transports: ['mqtt', 'http', 'webhook'],
  topics: ['tele/+/SENSOR', 'tele/+/LWT', 'stat/+/STATUS8', 'stat/+/STATUS10'],
  decode: decodeTasmota,
  guide: [
    'On the device open Configuration > Configure MQTT: host and port of this server, user name and secret of this connection, a topic that is unique per device.',
    'On the console enter TelePeriod 60 for a value every minute (300 s is the default) and Timezone 99 with your TimeDst / TimeStd.',
    'After claiming, set the role of the device: production behind the inverter, grid at the feed-in point, load elsewhere.',
  ],
  paste: [
    {
      label: 'On the console of the device',
      transport: 'mqtt',
      text: 'Backlog MqttHost %host%; MqttPort %port%; MqttUser %user%; MqttPassword %secret%; TelePeriod 60',
    },
  ],
})

function decodeTasmota(message: VendorMessage): Decoded {
  const { device, kind, command } = topicOf(message)
  if (command === true || (kind !== undefined && QUIET.test(kind))) return { readings: [] }
  const text = textOf(message.body)
  const rejected: Rejection[] = []
  if (kind === 'LWT') return { readings: lastWill(device, text, message, rejected), rejected }
  const json = tryJson(text)
  const inner = gathered(json, message, decodeTasmota)
  if (inner) return inner
  // Switches, shutters and rules answer with plain words on topics of their own.
  if (json === undefined && kind !== undefined && !TELLING.test(kind) && !/^\s*[{[]/.test(text)) return { readings: [] }
  if (json === undefined) throw new DecodeError('not-json', text === '' ? 'body is empty' : 'body is not JSON')
  if (!isRecord(json)) throw new DecodeError('unknown-format', 'a telemetry object expected')
  const sensors = sensorsIn(json, kind)
  const readings = sensorReadings(device ?? nameOf(json), sensors, json, message, rejected)
  const known =
    kind !== undefined ||
    readings.length > 0 ||
    'Time' in sensors ||
    Object.keys(json).some((key) => QUIET_KEYS.test(key))
  if (!known && rejected.length === 0)
    throw new DecodeError('unknown-format', 'no telemetry: neither ENERGY nor a sensor nor a status')
  return { readings, rejected }
}
/** Messages that are JSON or broken. */
const TELLING = /^(SENSOR|ENERGY|STATUS\d*)$/
/** Before 2018 the meter had a topic of its own, and its own part of a status. */
function sensorsIn(json: Record<string, unknown>, kind: string | undefined): Record<string, unknown> {
  if (isRecord(json.StatusSNS)) return json.StatusSNS
  if (isRecord(json.StatusPWR)) return { ENERGY: json.StatusPWR }
  return kind === 'ENERGY' ? { Time: json.Time, ENERGY: json } : json
}
/** Without a topic: what the device calls itself in a whole status, else nothing is known. */
const nameOf = (json: Record<string, unknown>): string =>
  wordsOf(get(json, 'Status', 'Topic'), 100) ??
  wordsOf(get(json, 'StatusNET', 'Hostname'), 100) ??
  wordsOf(get(json, 'StatusNET', 'Mac'), 100) ??
  'tasmota'

/** `tele/<device>/SENSOR` or `<device>/tele/SENSOR`: the device is what is neither prefix nor message name. */
function topicOf(message: VendorMessage): { device?: string; kind?: string; command?: boolean } {
  const levels = levelsOf(message.topic)
  if (levels.length < 2) return {}
  const prefix = levels.find((level) => PREFIXES.has(level))
  const device = levels
    .slice(0, -1)
    .filter((level) => level !== prefix)
    .join('/')
  return {
    ...(device !== '' && { device: device.slice(0, 200) }),
    kind: levels.at(-1) ?? '',
    command: prefix === 'cmnd',
  }
}

function lastWill(
  device: string | undefined,
  text: string,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  if (device === undefined || text.trim().toLowerCase() !== 'offline') return []
  return [reading(device, arrival(message), rejected).status('unreachable').extra('status_text', text).build()]
}

/** The first release; a device whose clock was not set yet counts from 1970. */
const FIRST_YEAR = Date.UTC(2016)

/**
 * `Time` is the device's local time without an offset: it counts where the connection's zone is known. One device may read several
 * meters: the first is the device itself, further ones are devices beside it.
 */
function sensorReadings(
  device: string,
  sensors: Record<string, unknown>,
  json: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const told = timeOf(sensors.Time, message)
  const time = told.ts < FIRST_YEAR ? arrival(message) : told
  const [own, ...others] = metersOf(sensors)
  const built = reading(device, time, rejected)
  own?.put(built)
  for (const [name, sensor] of entriesOf(sensors)) putDirectCurrent(built, name, sensor)
  const metered = built.measured
  putTemperatures(built, sensors, !metered)
  const firmware = wordsOf(get(json, 'StatusFWR', 'Version'), 60)
  built.attributes({
    kind: metered ? 'meter' : 'weather',
    firmware,
    name: wordsOf(get(json, 'Status', 'FriendlyName'), 100),
  })
  const beside = others.map(({ name, put }) => {
    const other = reading(`${device}/${name}`, time, rejected).attributes({ kind: 'meter', parent: device })
    put(other)
    return other
  })
  return [built, ...beside].flatMap((one) => (one.measured ? [one.build()] : []))
}

interface Meter {
  name: string
  put: (built: ReadingBuilder) => void
}
/** Meters of a device: its own, those that a script reads, and clamps on its analog inputs. */
function metersOf(sensors: Record<string, unknown>): Meter[] {
  const meters: Meter[] = []
  const energy = sensors.ENERGY
  if (isRecord(energy))
    meters.push({
      name: 'ENERGY',
      put: (built) => {
        putEnergy(built, energy)
        putInverter(built, energy)
      },
    })
  if (isTeleinfo(sensors)) meters.push({ name: 'TIC', put: (built) => putTeleinfo(built, sensors) })
  for (const [name, sensor] of entriesOf(sensors))
    if (!/^(ENERGY|METER|TIC|PROD)$/.test(name) && isScriptedMeter(name, sensor))
      meters.push({ name, put: (built) => putScriptedMeter(built, name, sensor) })
  for (const [name, clamp] of entriesOf(sensors.ANALOG))
    if (isRecord(clamp) && /^CTEnergy\d*$/.test(name))
      meters.push({ name, put: (built) => putEnergy(built, { ...clamp, Total: clamp.Energy }) })
  return meters.slice(0, MAX_METERS)
}

/** Single values, or lists with one entry per channel: the device's value is their sum. */
function putEnergy(built: ReadingBuilder, energy: Record<string, unknown>): void {
  built
    .metric('ac_power_w', total(energy.Power))
    .metric('energy_day_wh', total(energy.Today), 1000)
    .metric('energy_total_wh', total(energy.Total), 1000)
    .metric('import_total_wh', total(energy.ImportActive ?? energy.Import ?? energy.E_in ?? energy.Total_in), 1000)
    .metric('export_total_wh', total(energy.ExportActive ?? energy.Export ?? energy.E_out ?? energy.Total_out), 1000)
    .metric('reactive_power_var', total(energy.ReactivePower))
    .metric('power_factor', Array.isArray(energy.Factor) ? undefined : energy.Factor)
    .metric('frequency_hz', listOf(energy.Frequency ?? energy.Freq)[0])
    .extraNumber('Yesterday_wh', total(energy.Yesterday), 1000)
    .extraNumber('ApparentPower', total(energy.ApparentPower))
    .extraNumber('Period', total(energy.Period))
  const [volts, amperes, watts] = [listOf(energy.Voltage), listOf(energy.Current), listOf(energy.Power)]
  const phases = Math.min(Math.max(volts.length, amperes.length, watts.length), MAX_PHASES)
  for (let i = 0; i < phases; i++) {
    // One voltage for all channels where they hang on one phase.
    built.ac(i, { voltage_v: volts.length === 1 ? volts[0] : volts[i], current_a: amperes[i], power_w: watts[i] })
  }
}
/** An inverter that the device reads by its serial line (Solax X1) adds its own side to `ENERGY`. */
function putInverter(built: ReadingBuilder, energy: Record<string, unknown>): void {
  // Scripts write the same names in another case.
  const pv = (name: string): unknown => energy[`PV${name}`] ?? energy[`Pv${name}`]
  if (energy.SolarPower === undefined && pv('1Power') === undefined) return
  built.metric('pv_power_w', energy.SolarPower).metric('inverter_temp_c', energy.Temperature)
  for (let i = 1; i <= 4; i++)
    built.dc(i - 1, {
      voltage_v: pv(`${i}Voltage`),
      current_a: pv(`${i}Current`),
      power_w: pv(`${i}Power`),
    })
  built.sumDc().extra('status_text', energy.Status).extra('error', energy.Error)
}
/** Chips that measure direct current: `INA219`, `INA219-1` and so on, each an input. */
const DC_CHIP = /^INA\d{3,4}(?:[-_](\d))?$/
function putDirectCurrent(built: ReadingBuilder, name: string, sensor: unknown): void {
  const match = DC_CHIP.exec(name)
  if (!match || !isRecord(sensor)) return
  const [volts, amperes, watts] = [listOf(sensor.Voltage), listOf(sensor.Current), listOf(sensor.Power)]
  const first = Math.max(0, Number(match[1] ?? 1) - 1)
  for (let i = 0; i < Math.min(Math.max(volts.length, amperes.length, watts.length), MAX_PHASES); i++)
    built.dc(first + i, { voltage_v: volts[i], current_a: amperes[i], power_w: watts[i] })
}
const listOf = (value: unknown): unknown[] =>
  Array.isArray(value) ? (value as unknown[]) : value === undefined ? [] : [value]
/** Sum of a list; junk in it spoils the sum, which the reading then rejects. */
function total(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  const numbers = (value as unknown[])
    .slice(0, MAX_PHASES)
    .map(numberOf)
    .filter((number) => number !== undefined)
  return numbers.length === 0
    ? undefined
    : roundTo(
        numbers.reduce((a, b) => a + b, 0),
        6,
      )
}

/**
 * Temperature sensors, in the unit the device was set to. Where the device is a climate sensor and no meter, its first one is the
 * surroundings' temperature; otherwise they may sit anywhere and are kept by name.
 */
function putTemperatures(built: ReadingBuilder, sensors: Record<string, unknown>, climate: boolean): void {
  const fahrenheit = sensors.TempUnit === 'F'
  let first = climate
  // The Sonoff SC has its values beside the time.
  const own = climate ? finiteOf(sensors.Temperature) : undefined
  if (own !== undefined) {
    built.metric('ambient_temp_c', fahrenheit ? celsiusOf(own) : own)
    first = false
  }
  for (const [name, sensor] of entriesOf(sensors)) {
    if (name === 'ENERGY' || !isRecord(sensor)) continue
    const raw = finiteOf(sensor.Temperature)
    if (raw !== undefined) {
      const celsius = fahrenheit ? celsiusOf(raw) : raw
      built.extra(`${name}_temperature_c`, celsius)
      if (first && !/^(ESP32|ANALOG)$/.test(name)) {
        built.metric('ambient_temp_c', celsius)
        first = false
      }
    }
    built.extraNumber(`${name}_humidity`, sensor.Humidity)
  }
}
