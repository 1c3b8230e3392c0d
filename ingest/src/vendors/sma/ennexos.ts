import type { DecodedReading, Metric } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import {
  deviceTime,
  finiteOf,
  get,
  integerOf,
  isRecord,
  reading,
  type ReadingBuilder,
  textMs,
  wordsOf,
} from '../../vocabulary/index.ts'
import { putCondition } from './tags.ts'
import type { DeviceFacts } from './webconnect.ts'

const MAX_CHANNELS = 5000
const MAX_COMPONENTS = 200
const MAX_INPUTS = 12

/** Channels with a metric of their own; the group before the last two levels differs (`Measurement.`, `Parameter.`). */
const METRIC_CHANNELS: Readonly<Record<string, Metric>> = {
  'Measurement.GridMs.TotW': 'ac_power_w',
  'Measurement.GridMs.TotW.Pv': 'ac_power_w', // wins: the PV share where both are there and differ (hybrids)
  'Measurement.Metering.TotWhOut': 'energy_total_wh',
  'Measurement.Metering.TotWhOut.Pv': 'energy_total_wh',
  'Measurement.PvGen.PvW': 'pv_power_w',
  'Measurement.GridMs.Hz': 'frequency_hz',
  'Measurement.GridMs.TotPFPrc': 'power_factor',
  'Measurement.GridMs.TotVAr': 'reactive_power_var',
  'Measurement.Bat.ChaStt': 'battery_soc_pct',
  'Measurement.Metering.GridMs.Hz': 'frequency_hz',
  'Measurement.Metering.PCCMs.PlntCsmpWh': 'import_total_wh',
  'Measurement.Metering.PCCMs.PlntWh': 'export_total_wh',
  'Measurement.Metering.GridMs.TotWhIn': 'import_total_wh',
  'Measurement.Metering.GridMs.TotWhOut': 'export_total_wh',
  'Measurement.Env.HorInsol': 'irradiance_wm2',
  'Measurement.Env.TotInsol': 'irradiance_wm2',
  'Measurement.Env.ExlTmp': 'ambient_temp_c',
  'Measurement.Env.ModTmp': 'module_temp_c',
  'Measurement.Env.HorWSpd': 'wind_ms',
}
const EXTRA_CHANNELS: Readonly<Record<string, string>> = {
  'Measurement.GridMs.TotVA': 'apparent_power_va',
  'Measurement.PvGen.PvWh': 'pv_energy_total_wh',
  'Measurement.Isolation.LeakRis': 'isolation_ohm',
  'Measurement.Isolation.FltA': 'residual_current_a',
  'Measurement.Metering.TotFeedTms': 'feed_in_s',
  'Measurement.Metering.TotOpTms': 'operating_s',
  'Measurement.Bat.TmpVal': 'battery_temp_c',
  'Measurement.Bat.Vol': 'battery_voltage_v',
  'Measurement.Metering.GridMs.TotWhIn.Bat': 'battery_charge_total_wh',
  'Measurement.Metering.GridMs.TotWhOut.Bat': 'battery_discharge_total_wh',
  'Measurement.BatChrg.BatChrg': 'battery_charge_total_wh',
  'Measurement.BatDsch.BatDsch': 'battery_discharge_total_wh',
}

export const isMeasurements = (list: unknown[]): boolean =>
  list.some((entry) => typeof get(entry, 'channelId') === 'string')

/** Name of a device: its component id; the serial once known, where it came before the first values. */
export interface Components {
  facts: Record<string, DeviceFacts>
  names: Record<string, string>
}

/**
 * `/api/v1/measurements/live`: channels of one or more components, each with its own time. The reading's time is the latest of
 * them: states keep the time of their last change, values come with every answer.
 */
export function ennexosReadings(
  list: unknown[],
  state: Components,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const components = new Map<string, Map<string, unknown>>()
  for (const entry of list.slice(0, MAX_CHANNELS)) {
    const channel = get(entry, 'channelId')
    const component = wordsOf(get(entry, 'componentId'), 100) ?? 'ennexos'
    const values = get(entry, 'values')
    if (typeof channel !== 'string' || !Array.isArray(values) || component === '__proto__') continue
    if (!components.has(component) && components.size >= MAX_COMPONENTS) continue
    const channels = components.get(component) ?? new Map<string, unknown>()
    // Several points of one channel: the newest stands last.
    channels.set(channel.slice(0, 200), (values as unknown[]).at(-1))
    components.set(component, channels)
  }
  const readings: DecodedReading[] = []
  for (const [component, channels] of components)
    readings.push(...componentReading(component, channels, state, message, rejected))
  return readings
}

function componentReading(
  component: string,
  channels: Map<string, unknown>,
  state: Components,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const facts = Object.hasOwn(state.facts, component) ? state.facts[component] : undefined
  if (!Object.hasOwn(state.names, component) && Object.keys(state.names).length < MAX_COMPONENTS)
    state.names[component] = facts?.serial ?? component
  const times = [...channels]
    .filter(([name]) => !name.startsWith('Setpoint.'))
    .map(([, point]) => textMs(get(point, 'time'), message.timezone) ?? -Infinity)
  const latest = Math.max(...times)
  const built = reading(
    state.names[component] ?? component,
    deviceTime(Number.isFinite(latest) ? latest : undefined, message),
    rejected,
  )

  const value = (name: string): unknown => get(channels.get(name), 'value')
  const list = (name: string): unknown[] => {
    const values = get(channels.get(`${name}[]`), 'values') ?? get(channels.get(name), 'values')
    if (Array.isArray(values)) return (values as unknown[]).slice(0, 64)
    // Older devices behind a data manager have a single value, the vendor's cloud one channel for each.
    const single = [value(name), ...Array.from({ length: MAX_INPUTS }, (_, i) => value(`${name}[${i}]`))]
    const from = single[0] === undefined ? 1 : 0
    return single.slice(from, single.findLastIndex((one) => one !== undefined) + 1)
  }
  for (const [name, metric] of Object.entries(METRIC_CHANNELS)) built.metric(metric, value(name))
  for (const [name, extra] of Object.entries(EXTRA_CHANNELS)) built.extraNumber(extra, value(name))
  ;['A', 'B', 'C'].forEach((phase, index) =>
    built.ac(index, {
      voltage_v: value(`Measurement.GridMs.PhV.phs${phase}`) ?? value(`Measurement.Metering.GridMs.PhV.phs${phase}`),
      current_a: value(`Measurement.GridMs.A.phs${phase}`) ?? value(`Measurement.Metering.GridMs.A.phs${phase}`),
      power_w: value(`Measurement.GridMs.W.phs${phase}`) ?? value(`Measurement.Metering.GridMs.W.phs${phase}`),
    }),
  )
  const [volts, amperes, watts] = [
    list('Measurement.DcMs.Vol'),
    list('Measurement.DcMs.Amp'),
    list('Measurement.DcMs.Watt'),
  ]
  for (let i = 0; i < Math.max(volts.length, amperes.length, watts.length); i++) {
    built.dc(i, { voltage_v: volts[i], current_a: amperes[i], power_w: watts[i] })
  }
  built.sumDc()
  const temperatures = list('Measurement.Coolsys.Inverter.TmpVal')
    .map(finiteOf)
    .filter((one) => one !== undefined)
  // One sensor per cooling zone: the hottest is the one that limits.
  if (temperatures.length > 0) built.metric('inverter_temp_c', Math.max(...temperatures))
  const charger = channels.has('Measurement.ChaSess.WhIn') || channels.has('Measurement.Chrg.ModSw')
  const [gridIn, gridOut] = [value('Measurement.Metering.GridMs.TotWIn'), value('Measurement.Metering.GridMs.TotWOut')]
  if (charger) built.metric('load_power_w', value('Measurement.Metering.GridMs.TotWIn.ChaSta') ?? gridIn)
  else {
    putConnection(built, value('Measurement.Metering.PCCMs.PlntW'), value('Measurement.Metering.PCCMs.PlntCsmpW'))
    putDirections(built, 'grid_power_w', gridIn, gridOut)
  }
  putDirections(
    built,
    'battery_power_w',
    value('Measurement.BatDsch.CurBatDsch') ?? value('Measurement.Metering.GridMs.TotWOut.Bat'),
    value('Measurement.BatChrg.CurBatCha') ?? value('Measurement.Metering.GridMs.TotWIn.Bat'),
  )
  const measured = built.measured
  const inverter =
    watts.length > 0 ||
    ['GridMs.TotW', 'GridMs.TotW.Pv', 'DcMs.Watt[]'].some((name) => channels.has(`Measurement.${name}`))
  // Meters and chargers are healthy without producing.
  if (inverter)
    putCondition(built, {
      condition: integerOf(value('Measurement.Operation.Health')),
      run: integerOf(value('Measurement.Operation.RunStt')) ?? integerOf(value('Measurement.Operation.OpStt')),
      power: finiteOf(value('Measurement.GridMs.TotW.Pv') ?? value('Measurement.GridMs.TotW')),
      event: integerOf(value('Measurement.Operation.Evt.EvtNo')),
    })
  built.extra('event_number', integerOf(value('Measurement.Operation.Evt.EvtNo')))
  built.attributes({
    kind: component.startsWith('Plant') ? 'gateway' : charger ? 'charger' : inverter ? 'inverter' : 'meter',
    ...facts,
  })
  const done = built.build()
  return measured || done.status !== undefined ? [done] : []
}

/**
 * The plant's connection point as a data manager tells it: fed in, and drawn. What is fed in is negative on some while it is drawn, so
 * the two are not taken from each other.
 */
function putConnection(built: ReadingBuilder, fedIn: unknown, drawn: unknown): void {
  const out = finiteOf(fedIn)
  if (out !== undefined && out !== 0) built.metric('grid_power_w', -out)
  else built.metric('grid_power_w', finiteOf(drawn) ?? out)
}

/** Two channels for the two directions: the first is ours. */
function putDirections(built: ReadingBuilder, metric: Metric, plus: unknown, minus: unknown): void {
  const [a, b] = [finiteOf(plus), finiteOf(minus)]
  if (a !== undefined || b !== undefined) built.metric(metric, (a ?? 0) - (b ?? 0))
}

export const isDeviceInfo = (body: Record<string, unknown>): boolean =>
  typeof body.deviceId === 'string' && (body.serial !== undefined || body.product !== undefined)
/** Device information: serial, product, firmware. Measures nothing. */
export function rememberDevice(body: Record<string, unknown>, state: Components): void {
  const id = wordsOf(body.deviceId, 100)
  if (
    id === undefined ||
    id === '__proto__' ||
    (Object.keys(state.facts).length >= MAX_COMPONENTS && !Object.hasOwn(state.facts, id))
  )
    return
  const serial = wordsOf(body.serial, 60)
  const name = wordsOf(body.name, 100)
  const model = wordsOf(body.product, 100)
  const firmware = wordsOf(body.firmwareVersion, 60)
  state.facts[id] = {
    ...(serial && { serial }),
    ...(name && { name }),
    ...(model && { model }),
    ...(firmware && { firmware }),
  }
}
/** Lists of devices, plants and components of the same interface. */
export const isListing = (entry: unknown): boolean =>
  isRecord(entry) &&
  ['componentId', 'deviceId', 'plantId', 'componentType', 'channelId'].some((key) => Object.hasOwn(entry, key))
