import type { DecodedReading } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import {
  arrival,
  deviceTime,
  epochMs,
  finiteOf,
  get,
  isRecord,
  numberOf,
  quote,
  reading,
  type ReadingBuilder,
  wordsOf,
} from '../../vocabulary/index.ts'
import { type EnvoyState, gatewayFacts, gatewayId, isOff, meterType } from './identity.ts'
import { listOf, meterBuilder, MIN_PHASE_V, putMeterPower, putPowerFactor } from './production.ts'

const MAX_DEVICES = 3000
const serialOf = (value: unknown, rejected: Rejection[]): string | undefined => {
  const serial = wordsOf(value, 60)
  if (serial === undefined) rejected.push({ reason: 'invalid-field', detail: `serial number ${quote(value)}` })
  return serial
}
/** What the gateway has not heard of for a while: its values are the last ones it got. */
function putSilence(built: ReadingBuilder, silent: boolean): void {
  if (silent) built.status('unreachable').quality('stale')
}

/**
 * `/api/v1/production/inverters`. A micro-inverter reports every 5 to 15 minutes: the same `lastReportDate` read again is the same
 * reading. 0 means that it never reported.
 */
export function inverterReadings(
  list: unknown[],
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const parent = gatewayId(state, message.topic)
  const readings: DecodedReading[] = []
  for (const entry of list.slice(0, MAX_DEVICES)) {
    const serial = serialOf(get(entry, 'serialNumber'), rejected)
    const ms = epochMs(get(entry, 'lastReportDate'), 's')
    if (serial === undefined || ms === undefined) continue
    const built = reading(serial, deviceTime(ms, message), rejected)
      .metric('ac_power_w', get(entry, 'lastReportWatts'))
      .extraNumber('maxReportWatts', get(entry, 'maxReportWatts'))
      .attributes({ kind: 'inverter', serial, parent })
    putSilence(built, state.silent.includes(serial))
    if (built.measured) readings.push(built.build())
  }
  return readings
}

export const isDeviceStatus = (body: Record<string, unknown>): boolean =>
  Array.isArray(get(body, 'pcu', 'fields')) && Array.isArray(get(body, 'pcu', 'values'))

/** `/ivp/peb/devstatus`: micro-inverters as rows, with the names of the columns beside them; milli-units. */
export function deviceStatusReadings(
  body: Record<string, unknown>,
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const parent = gatewayId(state, message.topic)
  const fields = get(body, 'pcu', 'fields') as unknown[]
  const rows = get(body, 'pcu', 'values') as unknown[]
  return rows.slice(0, MAX_DEVICES).flatMap((row) => {
    const value = (name: string): unknown => get(row, fields.indexOf(name))
    const serial = serialOf(value('serialNumber'), rejected)
    const ms = epochMs(value('reportDate'), 's')
    if (serial === undefined || ms === undefined) return []
    const built = reading(serial, deviceTime(ms, message), rejected)
      .metric('ac_power_w', value('acPowerINmW'), 1e-3)
      .metric('inverter_temp_c', value('temperature'))
      .dc(
        0,
        { voltage_v: value('dcVoltageINmV'), current_a: value('dcCurrentINmA') },
        { voltage_v: 1e-3, current_a: 1e-3 },
      )
      .ac(0, { voltage_v: value('acVoltageINmV') }, { voltage_v: 1e-3 })
      .onePhase()
      .attributes({ kind: 'inverter', serial, parent })
    if (typeof value('producing') === 'boolean') built.status(value('producing') === true ? 'producing' : 'standby')
    putSilence(built, value('communicating') === false || state.silent.includes(serial))
    return built.measured ? [built.build()] : []
  })
}

export const isDeviceData = (body: Record<string, unknown>): boolean =>
  Object.values(body).some(
    (entry) => isRecord(entry) && Object.hasOwn(entry, 'devName') && Array.isArray(entry.channels),
  )

/**
 * `/ivp/pdm/device_data` (8.x): micro-inverters by channel in milli-units and joules, and meters. `watts.now` is the mean of the
 * last interval; a joule is a wattsecond.
 */
export function deviceDataReadings(
  body: Record<string, unknown>,
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const parent = gatewayId(state, message.topic)
  const readings: DecodedReading[] = []
  for (const [key, entry] of Object.entries(body).slice(0, MAX_DEVICES)) {
    if (!isRecord(entry) || !Array.isArray(entry.channels)) continue
    const channels = listOf(entry.channels).filter(
      (channel) => epochMs(get(channel, 'lastReading', 'endDate'), 's') !== undefined,
    )
    const ms = Math.max(...channels.map((channel) => epochMs(get(channel, 'lastReading', 'endDate'), 's') ?? 0))
    if (channels.length === 0) continue
    const time = deviceTime(ms, message)
    if (entry.devName === 'eim') {
      readings.push(...eimReading(key, channels, parent, time, state, rejected))
      continue
    }
    const serial = serialOf(entry.sn, rejected)
    if (serial === undefined) continue
    const built = reading(serial, time, rejected).attributes({ kind: 'inverter', serial, parent })
    built
      .metric('ac_power_w', sum(channels, 'watts', 'now'))
      .metric('energy_day_wh', sum(channels, 'wattHours', 'today'))
    built.metric('energy_total_wh', joules(channels))
    const first = get(channels[0], 'lastReading')
    built
      .metric('frequency_hz', get(first, 'acFrequencyINmHz'), 1e-3)
      .metric('inverter_temp_c', get(first, 'channelTemp'))
    channels.forEach((channel, index) => {
      const last = get(channel, 'lastReading')
      const milli = { voltage_v: 1e-3, current_a: 1e-3 }
      built.dc(index, { voltage_v: get(last, 'dcVoltageINmV'), current_a: get(last, 'dcCurrentINmA') }, milli)
    })
    built.ac(
      0,
      { voltage_v: get(first, 'acVoltageINmV'), current_a: sum(channels, 'lastReading', 'acCurrentInmA') },
      { voltage_v: 1e-3, current_a: 1e-3 },
    )
    for (const name of ['duration', 'joulesProduced', 'rssi', 'issi', 'flags'])
      built.extraNumber(name, get(first, name))
    putSilence(built, entry.modGone === true || entry.active === false || state.silent.includes(serial))
    if (built.measured) readings.push(built.build())
  }
  return readings
}

function eimReading(
  eid: string,
  channels: unknown[],
  gateway: string,
  time: ReturnType<typeof arrival>,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const type = meterType(state, eid)
  const built = meterBuilder(gateway, eid, type, time, rejected)
  putMeterPower(built, type, sum(channels, 'lastReading', 'curr_w'))
  putEnergies(built, type, sum(channels, 'lastReading', 'wh_pos'), sum(channels, 'lastReading', 'wh_neg'))
  built.metric('frequency_hz', get(channels[0], 'lastReading', 'freq_mhz'), 1e-3)
  channels.slice(0, 3).forEach((channel, index) => {
    const last = get(channel, 'lastReading')
    built.ac(
      index,
      { voltage_v: get(last, 'rms_mvolt'), current_a: get(last, 'rms_mamp'), power_w: get(last, 'curr_w') },
      { voltage_v: 1e-3, current_a: 1e-3 },
    )
  })
  return built.measured ? [built.build()] : []
}

/** Delivered is what the meter's arrow counts forward: made by the PV, taken from the grid, given by the battery. */
function putEnergies(
  built: ReadingBuilder,
  type: ReturnType<typeof meterType>,
  delivered: unknown,
  received: unknown,
): void {
  if (type === 'production') built.metric('energy_total_wh', delivered).extraNumber('actEnergyRcvd', received)
  else if (type === 'net-consumption') built.metric('import_total_wh', delivered).metric('export_total_wh', received)
  else built.extraNumber('actEnergyDlvd', delivered).extraNumber('actEnergyRcvd', received)
}

/** Sum of one value over the channels; undefined where none has it. */
function sum(channels: unknown[], ...path: string[]): number | undefined {
  const values = channels.map((channel) => numberOf(get(channel, ...path))).filter((value) => value !== undefined)
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0)
}
function joules(channels: unknown[]): number | undefined {
  const total = sum(channels, 'lifetime', 'joulesProduced')
  return total === undefined ? undefined : Math.round((total / 3600) * 1000) / 1000
}

/** `/ivp/meters/readings`: one entry per meter, phases in `channels`. */
export function meterReadings(
  list: unknown[],
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const gateway = gatewayId(state, message.topic)
  const readings: DecodedReading[] = []
  for (const entry of list.slice(0, 50)) {
    const eid = wordsOf(get(entry, 'eid'), 20)
    if (eid === undefined || isOff(state, eid)) continue
    const type = meterType(state, eid)
    const built = meterBuilder(gateway, eid, type, deviceTime(epochMs(get(entry, 'timestamp'), 's'), message), rejected)
    putMeterPower(built, type, get(entry, 'activePower') ?? get(entry, 'instantaneousDemand'))
    putEnergies(built, type, get(entry, 'actEnergyDlvd'), get(entry, 'actEnergyRcvd'))
    built
      .metric('frequency_hz', get(entry, 'freq'))
      .metric('reactive_power_var', get(entry, 'reactivePower'))
      .extraNumber('voltage', get(entry, 'voltage'))
      .extraNumber('current', get(entry, 'current'))
    putPowerFactor(built, get(entry, 'pwrFactor'))
    const phases = Object.hasOwn(state.meters, eid) ? state.meters[eid]?.phases : undefined
    listOf(get(entry, 'channels'))
      .slice(0, phases ?? 3)
      .forEach((channel, index) => {
        if ((finiteOf(get(channel, 'voltage')) ?? 0) < MIN_PHASE_V) return
        built.ac(index, {
          voltage_v: get(channel, 'voltage'),
          current_a: get(channel, 'current'),
          power_w: get(channel, 'activePower'),
        })
      })
    if (built.measured) readings.push(built.build())
  }
  return readings
}

/** `/ivp/meters/reports`: the same by measurement, cumulated, with phases in `lines`. */
export function reportReadings(
  list: unknown[],
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const gateway = gatewayId(state, message.topic)
  const readings: DecodedReading[] = []
  for (const entry of list.slice(0, 50)) {
    const type = get(entry, 'reportType')
    const all = get(entry, 'cumulative')
    if (type !== 'production' && type !== 'net-consumption' && type !== 'total-consumption') continue
    const eid =
      Object.entries(state.meters).find(([, meter]) => meter.type === type)?.[0] ??
      { production: '704643328', 'net-consumption': '704643584' }[type as string] ??
      type
    const built = meterBuilder(gateway, eid, type, deviceTime(epochMs(get(entry, 'createdAt'), 's'), message), rejected)
    putMeterPower(built, type, get(all, 'actPower') ?? get(all, 'currW'))
    putEnergies(built, type, get(all, 'whDlvdCum'), get(all, 'whRcvdCum'))
    built
      .metric('frequency_hz', get(all, 'freqHz'))

      .metric('reactive_power_var', get(all, 'reactPwr'))
    putPowerFactor(built, get(all, 'pwrFactor'))
    listOf(get(entry, 'lines'))
      .slice(0, 3)
      .forEach((line, index) => {
        if ((finiteOf(get(line, 'rmsVoltage')) ?? Infinity) < MIN_PHASE_V) return
        built.ac(index, {
          voltage_v: get(line, 'rmsVoltage'),
          current_a: get(line, 'rmsCurrent'),
          power_w: get(line, 'actPower') ?? get(line, 'currW'),
        })
      })
    if (built.measured) readings.push(built.build())
  }
  return readings
}

/** `/ivp/ensemble/power`: milliwatts and charge per battery, + discharge. The key really ends with a colon on some firmware. */
export function batteryPowerReadings(
  devices: unknown[],
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const parent = gatewayId(state, message.topic)
  const readings: DecodedReading[] = []
  for (const entry of devices.slice(0, MAX_DEVICES)) {
    const serial = serialOf(get(entry, 'serial_num'), rejected)
    if (serial === undefined) continue
    const built = reading(serial, arrival(message), rejected)
      .metric('battery_power_w', get(entry, 'real_power_mw'), 1e-3)
      .metric('battery_soc_pct', get(entry, 'soc'))
      .attributes({ kind: 'battery', serial, parent })
    putSilence(built, state.silent.includes(serial))
    if (built.measured) readings.push(built.build())
  }
  return readings
}

/** `/ivp/ensemble/inventory`: batteries with their charge. Relays and micro-inverters in it measure nothing. */
export function batteryInventoryReadings(
  groups: unknown[],
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const parent = gatewayId(state, message.topic)
  const readings: DecodedReading[] = []
  for (const group of groups.slice(0, 20)) {
    for (const entry of listOf(get(group, 'devices'))) {
      if (get(entry, 'percentFull') === undefined) continue
      const serial = serialOf(get(entry, 'serial_num'), rejected)
      const ms = epochMs(get(entry, 'last_rpt_date'), 's')
      if (serial === undefined || ms === undefined) continue
      const built = reading(serial, deviceTime(ms, message), rejected)
        .metric('battery_soc_pct', get(entry, 'percentFull'))
        .extraNumber('temperature', get(entry, 'temperature'))
        .extraNumber('maxCellTemp', get(entry, 'maxCellTemp'))
        .extraNumber('real_power_w', get(entry, 'real_power_w')) // which direction is positive is told nowhere
        .extra('status_text', get(entry, 'admin_state_str'))
        .attributes({
          kind: 'battery',
          serial,
          parent,
          model: wordsOf(get(entry, 'part_num'), 60),
          firmware: wordsOf(get(entry, 'img_pnum_running'), 60),
        })
      putSilence(built, get(entry, 'communicating') === false)
      if (built.measured) readings.push(built.build())
    }
  }
  return readings
}

/** `/ivp/ensemble/secctrl` (also inside `/ivp/ensemble/status`): charge of all batteries together, where there are any. */
export function aggregateReading(
  secctrl: unknown,
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  if ((finiteOf(get(secctrl, 'Max_energy')) ?? 0) <= 0) return []
  const built = reading(gatewayId(state, message.topic), arrival(message), rejected)
    .metric('battery_soc_pct', get(secctrl, 'agg_soc'))
    .extraNumber('ENC_agg_avail_energy', get(secctrl, 'ENC_agg_avail_energy'))
    .extraNumber('Max_energy', get(secctrl, 'Max_energy'))
    .attributes(gatewayFacts(state))
  return built.measured ? [built.build()] : []
}
