import type { DecodedReading, DeviceStatus } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import {
  deviceTime,
  epochMs,
  finiteOf,
  get,
  isRecord,
  reading,
  type ReadingBuilder,
  textMs,
  wordsOf,
} from '../../vocabulary/index.ts'
import { listOf } from './production.ts'

/**
 * Answers of the vendor's cloud (Enlighten API v4, and v2 before it) about a system: its summary, its telemetry by interval, its
 * latest powers. The system is known by its number; they name no gateway. Wh and W; times are UTC seconds, or text where asked for.
 */
export const isCloud = (body: Record<string, unknown>): boolean => Array.isArray(body.systems) || isOfSystem(body)
const isOfSystem = (body: Record<string, unknown>): boolean =>
  body.system_id !== undefined &&
  (Array.isArray(body.intervals) || isSummary(body) || isRecord(body.devices) || body.items === 'devices')

const isSummary = (body: Record<string, unknown>): boolean =>
  body.current_power !== undefined || body.energy_lifetime !== undefined || body.energy_today !== undefined

/** 5 or 15 minutes, told by the distance of the ends; a single interval says nothing of its length. */
const MAX_INTERVALS = 10_000
const timeText = (value: unknown, message: VendorMessage): number | undefined =>
  epochMs(value, 's') ?? textMs(value, message.timezone)

export function cloudReadings(
  body: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  // The list of systems has a summary of each, where the caller may see it.
  if (Array.isArray(body.systems))
    return (body.systems as unknown[])
      .slice(0, 1000)
      .filter(isRecord)
      .filter(isOfSystem)
      .flatMap((one) => cloudReadings(one, message, rejected))
  const system = wordsOf(body.system_id, 40)
  if (system === undefined) return []
  const device = `system/${system}`
  if (Array.isArray(body.intervals)) return intervalReadings(device, body, message, rejected)
  if (isRecord(body.devices)) return latestReadings(device, body.devices, message, rejected)
  // Not the end of its last interval: the row of that interval has that time.
  const ms = timeText(body.last_report_at, message) ?? timeText(body.last_interval_end_at, message)
  const built = reading(device, deviceTime(ms, message), rejected).attributes({
    kind: 'gateway',
    name: wordsOf(body.system_name, 100),
  })
  built.metric('ac_power_w', shown(body.current_power))
  built
    .metric('energy_day_wh', shown(body.energy_today))
    .metric('energy_total_wh', shown(body.energy_lifetime))
    .extraNumber('battery_charge_w', body.battery_charge_w)
    .extraNumber('battery_discharge_w', body.battery_discharge_w)
  const measured = built.measured
  putSystemStatus(built, wordsOf(body.status, 40))
  return measured ? [built.build()] : []
}
/** -1 stands for what may not be shown. */
const shown = (value: unknown): unknown => ((finiteOf(value) ?? 0) < 0 ? undefined : value)

const STATUS: Readonly<Record<string, DeviceStatus>> = { comm: 'unreachable', power: 'fault', error: 'fault' }
function putSystemStatus(built: ReadingBuilder, status: string | undefined): void {
  if (status === undefined) return
  built.extra('status_text', status)
  if (status === 'normal') built.noFault()
  else if (Object.hasOwn(STATUS, status)) built.status(STATUS[status])
  // The gateway does not report: what is shown is the last that it told.
  if (status === 'comm') built.quality('stale')
  if (['micro', 'power', 'meter_issue', 'meter', 'error'].includes(status)) built.fault(status, undefined, 'major')
}

/**
 * Intervals, each with its end. `enwh` is what was produced, or used where the meter is one of consumption; `powr` its mean power.
 * Meters of several channels have a list for each.
 */
function intervalReadings(
  device: string,
  body: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const intervals = (body.intervals as unknown[]).flat().slice(0, MAX_INTERVALS).filter(isRecord)
  const ends = intervals.map((interval) => timeText(interval.end_at, message))
  const spacing = usualSpacing(ends)
  const consumption = /consumption/.test(`${message.topic ?? ''} ${wordsOf(get(body, 'meta', 'type')) ?? ''}`)
  return intervals.flatMap((interval, index) => {
    const end = ends[index]
    if (end === undefined) return []
    const built = reading(deviceOf(device, interval, consumption), deviceTime(end, message), rejected)
    if (isRecord(interval.charge) || isRecord(interval.discharge)) putBattery(built, interval, spacing)
    else if (consumption) putMean(built, 'load_power_w', interval.enwh, spacing)
    else {
      built
        .metric('ac_power_w', interval.powr)
        .metric('energy_interval_wh', interval.enwh ?? interval.wh_del)
        .metric('energy_total_wh', interval.wh_cum)
      if (built.measured) built.metric('interval_s', spacing)
    }
    built
      .extraNumber('devices_reporting', interval.devices_reporting)
      .attributes(attributesOf(device, interval, consumption))
    return built.measured ? [built.build()] : []
  })
}
/** Devices of one system whose intervals end alike must not replace each other's rows. */
const deviceOf = (device: string, interval: Record<string, unknown>, consumption: boolean): string =>
  isRecord(interval.charge) || isRecord(interval.discharge)
    ? `${device}/battery`
    : consumption
      ? `${device}/consumption`
      : device

const attributesOf = (device: string, interval: Record<string, unknown>, consumption: boolean) =>
  isRecord(interval.charge) || isRecord(interval.discharge)
    ? { kind: 'battery' as const, parent: device }
    : consumption
      ? { kind: 'meter' as const, parent: device }
      : { kind: 'gateway' as const }

function putBattery(built: ReadingBuilder, interval: Record<string, unknown>, spacing: number | undefined): void {
  const [charge, discharge] = [finiteOf(get(interval, 'charge', 'enwh')), finiteOf(get(interval, 'discharge', 'enwh'))]
  if (charge !== undefined || discharge !== undefined)
    putMean(built, 'battery_power_w', (discharge ?? 0) - (charge ?? 0), spacing)
  built.metric('battery_soc_pct', get(interval, 'soc', 'percent'))
}
/** An interval's energy as its mean power. */
function putMean(
  built: ReadingBuilder,
  metric: 'load_power_w' | 'battery_power_w',
  energy: unknown,
  spacing: number | undefined,
): void {
  if (spacing !== undefined && spacing > 0) built.metric(metric, energy, 3600 / spacing)
  else built.extraNumber('enwh', energy)
}

function usualSpacing(ends: readonly (number | undefined)[]): number | undefined {
  const times = [...new Set(ends.filter((end) => end !== undefined))].sort((a, b) => a - b)
  const counts = new Map<number, number>()
  for (const [index, time] of times.entries()) {
    const before = times[index - 1]
    if (before !== undefined) counts.set(time - before, (counts.get(time - before) ?? 0) + 1)
  }
  const [usual] = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])
  return usual && usual[0] / 1000
}

/** `/latest_telemetry`: powers of meters and batteries. A battery's is + while it discharges. */
function latestReadings(
  system: string,
  devices: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const readings: DecodedReading[] = []
  const put = (entry: unknown, kind: 'meter' | 'battery', fill: (built: ReadingBuilder) => unknown) => {
    const id = wordsOf(get(entry, 'serial_number') ?? get(entry, 'id'), 40)
    if (id === undefined) return
    const ms = timeText(get(entry, 'last_report_at'), message)
    const built = reading(`${system}/${kind}/${id}`, deviceTime(ms, message), rejected)
    built.attributes({ kind, parent: system, name: wordsOf(get(entry, 'name'), 100) })
    fill(built)
    if (built.measured) readings.push(built.build())
  }
  for (const meter of listOf(devices.meters)) {
    const power = get(meter, 'power')
    const name = wordsOf(get(meter, 'name'), 60)?.toLowerCase()
    put(meter, 'meter', (built) =>
      name === 'production'
        ? built.metric('ac_power_w', power)
        : name === 'net_consumption' || name === 'net-consumption'
          ? built.metric('grid_power_w', power)
          : name === 'consumption' || name === 'total_consumption'
            ? built.metric('load_power_w', power)
            : built.extraNumber('power', power),
    )
  }
  for (const battery of listOf(devices.encharges))
    put(battery, 'battery', (built) =>
      built.metric('battery_power_w', get(battery, 'power')).extra('status_text', get(battery, 'operational_mode')),
    )
  return readings
}
