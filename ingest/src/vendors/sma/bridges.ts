import type { DecodedReading, DeviceStatus, Metric } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import {
  ampereFactor,
  arrival,
  deviceTime,
  entriesOf,
  finiteOf,
  get,
  isRecord,
  levelsOf,
  reading,
  type ReadingBuilder,
  timeOf,
  unitFactor,
  voltFactor,
  wordsOf,
} from '../../vocabulary/index.ts'

/** A record with its keys in lower case: owners choose how they are written. */
const lowered = (body: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(entriesOf(body).map(([key, value]) => [key.toLowerCase(), value]))

/**
 * What the common reader of Bluetooth and Speedwire inverters (SBFspot) publishes: the items its owner chose, in W, V, A, Hz, °C and
 * kWh. Times are local, in a format of the owner's; 0 °C stands for no temperature.
 */
export const isSpot = (body: Record<string, unknown>): boolean =>
  ['invserial', 'pactot', 'etotal', 'etoday'].filter((key) =>
    Object.keys(body).some((name) => name.toLowerCase() === key),
  ).length >= 2

const SPOT: readonly (readonly [Metric, string, number])[] = [
  ['ac_power_w', 'pactot', 1],
  ['dc_power_w', 'pdctot', 1],
  ['energy_day_wh', 'etoday', 1000],
  ['energy_total_wh', 'etotal', 1000],
  ['frequency_hz', 'gridfreq', 1],
  ['battery_soc_pct', 'batchastt', 1],
]
const SPOT_STATUS = new Map<string, DeviceStatus>([
  ['fault', 'fault'],
  ['off', 'off'],
])

/** The owner's choice of a decimal comma reaches the values where they are quoted. */
const pointed = (value: unknown): unknown =>
  typeof value === 'string' && /^-?\d+,\d+$/.test(value) ? value.replace(',', '.') : value

export function spotReading(
  body: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const v = Object.fromEntries(entriesOf(lowered(body)).map(([key, value]) => [key, pointed(value)]))
  const serial = wordsOf(v.invserial, 40)
  const name = wordsOf(v.invname, 100)
  const device = serial ?? name ?? (levelsOf(message.topic).join('/').slice(0, 200) || 'sma')
  const built = reading(device, timeOf(v.invtime ?? v.timestamp, message), rejected).attributes({
    kind: 'inverter',
    serial,
    name,
    model: wordsOf(v.invtype, 100),
    firmware: wordsOf(v.invswver, 60),
  })
  // Inverters without a battery send zeros for all of it.
  const hasBattery = ['batchastt', 'batvol'].some((key) => (finiteOf(v[key]) ?? 0) > 0)
  for (const [metric, key, factor] of SPOT)
    if (metric !== 'battery_soc_pct' || hasBattery) built.metric(metric, v[key], factor)
  // Zeros in both directions where there is no meter.
  const [from, to] = [finiteOf(v.meteringwin) ?? 0, finiteOf(v.meteringwout) ?? 0]
  if (from > 0 || to > 0) built.metric('grid_power_w', from - to)
  if ((finiteOf(v.invtemperature) ?? 0) !== 0) built.metric('inverter_temp_c', v.invtemperature)
  for (let i = 1; i <= 12; i++)
    built.dc(i - 1, { voltage_v: v[`udc${i}`], current_a: v[`idc${i}`], power_w: v[`pdc${i}`] })
  built.sumDc()
  for (let i = 1; i <= 3; i++) {
    const phase = { voltage_v: v[`uac${i}`], current_a: v[`iac${i}`], power_w: v[`pac${i}`] }
    // Single-phase inverters have the others with zeros.
    if (i > 1 && Object.values(phase).every((value) => (finiteOf(value) ?? 0) === 0)) continue
    built.ac(i - 1, phase)
  }
  if (hasBattery)
    built
      .extraNumber('battery_voltage_v', v.batvol)
      .extraNumber('battery_current_a', v.batamp)
      .extraNumber('battery_temp_c', v.battmpval)
  const measured = built.measured
  const text = wordsOf(v.invstatus, 60)
  if (text !== undefined && text !== '?') {
    const power = finiteOf(v.pactot)
    const known = SPOT_STATUS.get(text.toLowerCase())
    built.status(
      known ??
        (/^ok$|^warning$/i.test(text) ? (power !== undefined && power > 0 ? 'producing' : 'standby') : undefined),
    )
    built.extra('status_text', text)
    if (/^fault$/i.test(text)) built.fault(35, text, 'major')
    else if (/^warning$/i.test(text)) built.fault(455, text, 'minor')
    else if (/^ok$/i.test(text)) built.noFault()
  }
  return measured ? [built.build()] : []
}

/**
 * Multicast of the vendor's meters (Energy Meter, Sunny Home Manager) as daemons publish it: `p` active power in W by direction, with
 * `consume` from the grid and `supply` to it; counters in kWh; `p1…` to `p3…` are the phases.
 */
export const isEnergyMeter = (body: Record<string, unknown>): boolean =>
  ['pconsume', 'psupply'].some((key) => typeof body[key] === 'number' || typeof body[key] === 'string')

export function energyMeterReading(
  body: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const serial = wordsOf(body.serial ?? body.serialnumber, 40)
  const device = serial ?? (levelsOf(message.topic).join('/').slice(0, 200) || 'energy-meter')
  const built = reading(device, timeOf(body.timestamp ?? body.time, message), rejected).attributes({
    kind: 'meter',
    serial,
  })
  const net = (phase: string): number | undefined => {
    const [from, to] = [finiteOf(body[`p${phase}consume`]), finiteOf(body[`p${phase}supply`])]
    return from === undefined && to === undefined ? undefined : (from ?? 0) - (to ?? 0)
  }
  built
    .metric('grid_power_w', net(''))
    .metric('import_total_wh', body.pconsumecounter, 1000)
    .metric('export_total_wh', body.psupplycounter, 1000)
    .metric('frequency_hz', body.frequency)
    .metric('power_factor', body.cosphi)
  for (let i = 1; i <= 3; i++)
    built.ac(i - 1, { voltage_v: body[`u${i}`], current_a: body[`i${i}`], power_w: net(String(i)) })
  return built.measured ? [built.build()] : []
}

/**
 * Sunny WebBox and Cluster Controller, answers of the JSON interface: the plant's overview, and process data by device
 * (`WRHV5K84:191106620`), each value with its unit as text.
 */
export const isWebBox = (body: Record<string, unknown>): boolean =>
  Array.isArray(get(body, 'result', 'overview')) || Array.isArray(get(body, 'result', 'devices'))

const WEBBOX = new Map<string, Metric>(
  Object.entries({
    gripwr: 'ac_power_w',
    griegytdy: 'energy_day_wh',
    griegytot: 'energy_total_wh',
    pac: 'ac_power_w',
    'e-total': 'energy_total_wh',
    'gridms.totw': 'ac_power_w',
    'metering.totwhout': 'energy_total_wh',
    fac: 'frequency_hz',
    'gridms.hz': 'frequency_hz',
    intsolirr: 'irradiance_wm2',
    exlsolirr: 'irradiance_wm2',
    tmpmdul: 'module_temp_c',
    tmpamb: 'ambient_temp_c',
    winvel: 'wind_ms',
    windvel: 'wind_ms',
  } as const),
)

export function webBoxReadings(
  body: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const overview = get(body, 'result', 'overview')
  if (Array.isArray(overview)) {
    const topic = levelsOf(message.topic).join('/').slice(0, 200)
    const built = reading(topic || 'webbox', arrival(message), rejected).attributes({ kind: 'gateway' })
    putChannels(built, overview as unknown[])
    return built.measured ? [built.build()] : []
  }
  return (get(body, 'result', 'devices') as unknown[]).slice(0, 200).flatMap((entry) => {
    const key = wordsOf(get(entry, 'key'), 100)
    const channels = get(entry, 'channels')
    if (key === undefined || !Array.isArray(channels)) return []
    const [model, serial] = key.split(':')
    const kind = /^sens/i.test(key) ? 'weather' : 'inverter'
    const built = reading(serial || key, arrival(message), rejected).attributes({ kind, serial, model })
    putChannels(built, channels as unknown[])
    return built.measured ? [built.build()] : []
  })
}

/** States as the inverters write them, in English and German. */
const WEBBOX_STATES: readonly (readonly [RegExp, DeviceStatus])[] = [
  [/^mpp/i, 'producing'],
  [/^(derating|abregel)/i, 'throttled'],
  [/^(stör|stoer|fehler|fault|disturb|error)/i, 'fault'],
  [/^(wait|warte|stop|offset|grid ?mon|netz(üb|ueb))/i, 'standby'],
]

function putChannels(built: ReadingBuilder, channels: unknown[]): void {
  for (const channel of channels.slice(0, 200)) {
    // Sensors have the unit in the name as well: `TmpMdul C`.
    const meta = wordsOf(get(channel, 'meta'), 60)?.split(' ')[0]
    if (meta === undefined) continue
    const [value, unit] = [get(channel, 'value'), wordsOf(get(channel, 'unit'), 20) ?? '']
    const metric = WEBBOX.get(meta.toLowerCase())
    const factor = metric && unitFactor(unit, metric)
    if (metric && factor !== undefined) built.metric(metric, value, factor)
    else if (!putInput(built, meta, value, unit)) built.extraNumber(meta, value)
    const text = wordsOf(value, 60)
    if (/^(opstt|mode|status)$/i.test(meta) && text !== undefined)
      built.status(WEBBOX_STATES.find(([state]) => state.test(text))?.[1]).extra('status_text', text)
    if (/^(msg|fehler|error)$/i.test(meta)) {
      if (text !== undefined && /^-+$/.test(text)) built.noFault()
      else built.extra('message', text)
    }
  }
}

const WEBBOX_KEYS = { v: 'voltage_v', u: 'voltage_v', vol: 'voltage_v', phv: 'voltage_v', i: 'current_a', amp: 'current_a', a: 'current_a', watt: 'power_w', w: 'power_w' } as const // prettier-ignore
/** `Upv-Ist`, `Vpv`, `Iac-Ist`, `A.Ms.Vol`, `B.Ms.Amp`, `GridMs.PhV.phsA`, each in the unit beside it. */
function putInput(built: ReadingBuilder, meta: string, value: unknown, unit: string): boolean {
  const dc = /^([A-F])\.Ms\.(Vol|Amp|Watt)$/.exec(meta)
  const ac = /^GridMs\.(PhV|A|W)\.phs([ABC])$/.exec(meta)
  const plain = /^([UVI])(pv|ac)(?:-Ist)?$/.exec(meta)
  const what = (dc?.[2] ?? ac?.[1] ?? plain?.[1] ?? '').toLowerCase()
  if (!Object.hasOwn(WEBBOX_KEYS, what)) return false
  const key = WEBBOX_KEYS[what as keyof typeof WEBBOX_KEYS]
  const factor =
    key === 'voltage_v' ? voltFactor(unit) : key === 'current_a' ? ampereFactor(unit) : unitFactor(unit, 'ac_power_w')
  if (factor === undefined) return false
  const index = (dc?.[1] ?? ac?.[2] ?? 'A').charCodeAt(0) - 65
  built[dc || plain?.[2] === 'pv' ? 'dc' : 'ac'](index, { [key]: value }, { [key]: factor })
  return true
}

/**
 * Measurement sets of the vendor's cloud (monitoring API): `set` has one entry per interval with the mean powers in W, or energies
 * in Wh where the type says so. Times are local to the plant unless they carry an offset.
 */
export const isMeasurementSet = (body: Record<string, unknown>): boolean =>
  Array.isArray(body.set) && (isRecord(body.device) || isRecord(body.plant) || typeof body.setType === 'string')

const SET_METRICS: Readonly<Record<string, readonly [Metric, 1 | -1]>> = {
  pvGeneration: ['pv_power_w', 1],
  totalConsumption: ['load_power_w', 1],
  batteryStateOfCharge: ['battery_soc_pct', 1],
  activePower: ['ac_power_w', 1],
  reactivePower: ['reactive_power_var', 1],
  gridFrequency: ['frequency_hz', 1],
  frequency: ['frequency_hz', 1],
  irradiance: ['irradiance_wm2', 1],
  insolation: ['irradiance_wm2', 1],
  temperatureModule: ['module_temp_c', 1],
  temperatureAmbient: ['ambient_temp_c', 1],
  windSpeed: ['wind_ms', 1],
  consumption: ['load_power_w', 1],
  displacementPowerFactor: ['power_factor', 1],
  externalInsolation: ['irradiance_wm2', 1],
  moduleTemperature: ['module_temp_c', 1],
  ambientTemperature: ['ambient_temp_c', 1],
}
/** Inputs of one entry, in order: plain values, or each with its index beside it. */
const inputsOf = (value: unknown): unknown[] =>
  Array.isArray(value)
    ? (value as unknown[]).slice(0, 16).map((input) => (isRecord(input) ? get(input, 'value') : input))
    : []
/** Phases (set PowerAc) and inputs (PowerDc) of a device, in V, A and W. */
function putSetChannels(built: ReadingBuilder, entry: Record<string, unknown>): void {
  ;['A', 'B', 'C'].forEach((phase, index) =>
    built.ac(index, {
      voltage_v: entry[`voltagePhase${phase}`],
      current_a: entry[`currentPhase${phase}`],
      power_w: entry[`activePowerPhase${phase}`],
    }),
  )
  const volts = inputsOf(entry.dcVoltageInput)
  const amperes = inputsOf(entry.dcCurrentInput)
  const watts = inputsOf(entry.dcPowerInput)
  for (let i = 0; i < Math.max(volts.length, amperes.length, watts.length); i++)
    built.dc(i, { voltage_v: volts[i], current_a: amperes[i], power_w: watts[i] })
  built.sumDc().extraNumber('isolation_ohm', entry.isolationResistance)
}

export function measurementSetReadings(
  body: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const about = isRecord(body.device) ? body.device : body.plant
  const id = wordsOf(get(about, 'deviceId') ?? get(about, 'plantId'), 60) ?? 'plant'
  const plant = !isRecord(body.device)
  // Energies come for whole days and longer: of an interval's energy no counter is known.
  const isEnergy = /^(Day|Week|Month|Year|Total)$/i.test(wordsOf(body.resolution, 40) ?? '')
  return (body.set as unknown[]).slice(0, 5000).flatMap((entry) => {
    if (!isRecord(entry) || isEnergy) return []
    const zone = wordsOf(get(about, 'timezone'), 60) ?? message.timezone
    const time = timeOf(entry.time, { ...message, ...(zone !== undefined && { timezone: zone }) })
    const built = reading(
      plant ? `plant/${id}` : id,
      time.tsSource === 'device' ? time : deviceTime(undefined, message),
      rejected,
    )
    for (const [name, [metric, sign]] of Object.entries(SET_METRICS)) built.metric(metric, entry[name], sign)
    putDifference(
      built,
      'grid_power_w',
      entry.externalConsumption ?? entry.gridConsumption,
      entry.feedIn ?? entry.gridFeedIn,
    )
    putDifference(built, 'battery_power_w', entry.batteryDischarging, entry.batteryCharging)
    putSetChannels(built, entry)
    built.attributes({
      kind: plant ? 'gateway' : body.setType === 'Sensor' ? 'weather' : 'inverter',
      serial: wordsOf(get(about, 'serial'), 60),
      name: wordsOf(get(about, 'name'), 100),
      model: wordsOf(get(about, 'product'), 100),
    })
    return built.measured ? [built.build()] : []
  })
}
function putDifference(built: ReadingBuilder, metric: Metric, plus: unknown, minus: unknown): void {
  const [a, b] = [finiteOf(plus), finiteOf(minus)]
  if (a !== undefined || b !== undefined) built.metric(metric, (a ?? 0) - (b ?? 0))
}
