import type { DecodedReading } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import {
  arrival,
  deviceTime,
  epochMs,
  finiteOf,
  get,
  integerOf,
  isRecord,
  reading,
  type ReadingBuilder,
} from '../../vocabulary/index.ts'
import { eidOf, type EnvoyState, gatewayFacts, gatewayId, isMeterType, meterId, type MeterType } from './identity.ts'

/**
 * Day counter of the gateway. Some firmware has zero there although power flows, or the lifetime value: neither is a day's energy.
 */
export function putDay(built: ReadingBuilder, day: unknown, lifetime: unknown, power: unknown): void {
  const wh = finiteOf(day)
  const total = finiteOf(lifetime)
  if (wh !== undefined && total !== undefined && total > 0 && wh >= total) return
  if (wh === 0 && (finiteOf(power) ?? 0) > 0) return
  built.metric('energy_day_wh', day)
}

/** As long as `/production.json` comes too, the other totals are left: they lag by minutes, and a counter must not go back. */
const FRESHER_MS = 3_600_000

/** `/api/v1/production`: totals of the gateway, without a time. */
export function totalsReading(
  body: Record<string, unknown>,
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const since = message.receivedAt - (state.productionAt ?? -Infinity)
  if (since >= 0 && since < FRESHER_MS) return []
  const built = reading(gatewayId(state, message.topic), arrival(message), rejected)
    .metric('ac_power_w', body.wattsNow)
    .metric('energy_total_wh', body.wattHoursLifetime)
    .extraNumber('wattHoursSevenDays', body.wattHoursSevenDays)
    .attributes(gatewayFacts(state))
  putDay(built, body.wattHoursToday, body.wattHoursLifetime, body.wattsNow)
  return built.measured ? [built.build()] : []
}

/**
 * `/production.json`, `/production`, with and without `details=1`. The gateway's own reading is the production meter's where one is
 * active, else the sum of the inverters; each active meter is a device of its own beside it.
 */
export function productionReadings(
  body: Record<string, unknown>,
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const gateway = gatewayId(state, message.topic)
  const sources = listOf(body.production)
  const active = (source: unknown) => (integerOf(get(source, 'activeCount')) ?? 0) > 0
  const meter = sources.find((one) => get(one, 'type') === 'eim' && active(one))
  const inverters = sources.find((one) => get(one, 'type') === 'inverters')
  const readings: DecodedReading[] = []
  const total = meter ?? inverters
  if (total !== undefined) {
    const built = reading(gateway, timeOfEntry(total, message), rejected)
      .metric('ac_power_w', get(total, 'wNow'))
      .metric('energy_total_wh', get(total, 'whLifetime'))
      .attributes(gatewayFacts(state))
    putDay(built, get(total, 'whToday'), get(total, 'whLifetime'), get(total, 'wNow'))
    putElectrics(built, total)
    if (meter !== undefined && inverters !== undefined) {
      // What the micro-inverters said themselves: minutes old, and without the losses on the way to the meter.
      built
        .extraNumber('inverters_wNow', get(inverters, 'wNow'))
        .extraNumber('inverters_whLifetime', get(inverters, 'whLifetime'))
    }
    built.extraNumber('inverters_activeCount', get(inverters, 'activeCount'))
    if (built.measured) {
      readings.push(built.build())
      state.productionAt = message.receivedAt
    }
  }
  for (const entry of [...(meter === undefined ? [] : [meter]), ...listOf(body.consumption).filter(active)]) {
    const type = get(entry, 'measurementType') ?? (entry === meter ? 'production' : undefined)
    if (!isMeterType(type)) continue
    const built = meterBuilder(gateway, eidOf(state, type), type, timeOfEntry(entry, message), rejected)
    putMeterPower(built, type, get(entry, 'wNow'))
    if (type === 'production') {
      built.metric('energy_total_wh', get(entry, 'whLifetime'))
      putDay(built, get(entry, 'whToday'), get(entry, 'whLifetime'), get(entry, 'wNow'))
    } else built.extraNumber('whLifetime', get(entry, 'whLifetime')) // of a net meter that is import less export: no counter
    putElectrics(built, entry)
    if (built.measured) readings.push(built.build())
  }
  for (const battery of listOf(body.storage).filter(active)) {
    const built = reading(`${gateway}/acb`, timeOfEntry(battery, message), rejected)
      .metric('battery_power_w', get(battery, 'wNow'))
      .metric('battery_soc_pct', get(battery, 'percentFull'))
      .extraNumber('whNow', get(battery, 'whNow'))
      .extra('status_text', get(battery, 'state'))
      .attributes({ kind: 'battery', parent: gateway })
    if (built.measured) readings.push(built.build())
  }
  return readings
}

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]).slice(0, 100) : [])
/** `readingTime` 0 means that the entry never had a reading of its own. */
const timeOfEntry = (entry: unknown, message: VendorMessage) =>
  deviceTime(epochMs(get(entry, 'readingTime'), 's'), message)

export function meterBuilder(
  gateway: string,
  eid: string,
  type: MeterType | undefined,
  time: Parameters<typeof reading>[1],
  rejected: Rejection[],
) {
  const built = reading(meterId(gateway, eid), time, rejected).attributes({
    kind: 'meter',
    parent: gateway,
    name: type,
  })
  return built.extra('measurementType', type)
}
/** A meter's power under the metric of what it measures: net is + import, storage + discharge, as with us. */
export function putMeterPower(built: ReadingBuilder, type: MeterType | undefined, power: unknown): void {
  if (type === 'production') built.metric('ac_power_w', power)
  else if (type === 'net-consumption') built.metric('grid_power_w', power)
  else if (type === 'total-consumption' || type === 'load' || type === 'evse') built.metric('load_power_w', power)
  else if (type === 'storage') built.metric('battery_power_w', power)
  else built.extraNumber('activePower', power)
}

/** Phases of a meter: clamps that are not used show nothing, or a few volts of hum, never a grid's voltage. */
export const MIN_PHASE_V = 50
/** Firmware 8.3 adds the phases' factors up (1.931): that is no power factor. */
export function putPowerFactor(built: ReadingBuilder, factor: unknown): void {
  if (Math.abs(finiteOf(factor) ?? 0) <= 1) built.metric('power_factor', factor)
}

function putElectrics(built: ReadingBuilder, entry: unknown): void {
  built.metric('reactive_power_var', get(entry, 'reactPwr'))
  putPowerFactor(built, get(entry, 'pwrFactor'))
  const lines = listOf(get(entry, 'lines')).slice(0, 3)
  lines.forEach((line, index) => {
    if ((finiteOf(get(line, 'rmsVoltage')) ?? 0) < MIN_PHASE_V) return
    built.ac(index, {
      voltage_v: get(line, 'rmsVoltage'),
      current_a: get(line, 'rmsCurrent'),
      power_w: get(line, 'wNow'),
    })
  })
  // Without details the voltage is the sum of all phases: no phase's value.
  if (lines.length === 0)
    built.extraNumber('rmsVoltage', get(entry, 'rmsVoltage')).extraNumber('rmsCurrent', get(entry, 'rmsCurrent'))
}

/** `/ivp/pdm/energy` (8.x): day and lifetime energy by source; the first source with a value speaks for the gateway. */
export function energyReading(
  body: Record<string, unknown>,
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const sources = ['eim', 'rgm', 'pcu'].map((name) => get(body.production, name))
  const source = sources.find((one) => (finiteOf(get(one, 'wattHoursLifetime')) ?? 0) > 0)
  return isRecord(source) ? totalsReading(source, message, state, rejected) : []
}
export const isEnergy = (body: Record<string, unknown>): boolean =>
  isRecord(body.production) && isRecord(get(body.production, 'pcu'))

/** `/ivp/livedata/status` (8.x): powers in milliwatts, all in our directions. */
export function liveReading(
  body: Record<string, unknown>,
  message: VendorMessage,
  state: EnvoyState,
  rejected: Rejection[],
): DecodedReading[] {
  const meters = body.meters
  const time = deviceTime(epochMs(get(meters, 'last_update'), 's'), message)
  const milli = (name: string) => get(meters, name, 'agg_p_mw')
  const built = reading(gatewayId(state, message.topic), time, rejected)
    .metric('ac_power_w', milli('pv'), 1e-3)
    .metric('pv_power_w', milli('pv'), 1e-3)
    .metric('grid_power_w', milli('grid'), 1e-3)
    .metric('load_power_w', milli('load'), 1e-3)
    .attributes(gatewayFacts(state))
  // Sites without a battery have a storage block of zeros.
  if ((finiteOf(get(meters, 'soc')) ?? 0) > 0 || (finiteOf(milli('storage')) ?? 0) !== 0) {
    built.metric('battery_power_w', milli('storage'), 1e-3).metric('battery_soc_pct', get(meters, 'soc'))
  }
  return built.measured ? [built.build()] : []
}
export const isLive = (body: Record<string, unknown>): boolean =>
  isRecord(body.meters) && isRecord(get(body.meters, 'pv'))
