import type { DecodedReading, Metric } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import { reading } from '../../vocabulary/reading.ts'
import { finiteOf } from '../../vocabulary/number.ts'
import { get, wordsOf } from '../../vocabulary/shape.ts'
import { deviceTime, textMs, timeOf } from '../../vocabulary/time.ts'
import { unitFactor } from '../../vocabulary/units.ts'

/** Flow data of the vendor's cloud (Solar.web Query API): channels with a unit, of a whole system or of one device. */
export const isFlowData = (body: Record<string, unknown>): boolean =>
  body.pvSystemId !== undefined && Array.isArray(get(body, 'data', 'channels'))

/** Signs are those of the local power flow: feed-in + is import, load − is consumption, battery + is discharge. */
const CHANNELS = new Map<string, readonly [Metric, 1 | -1]>([
  ['PowerPV', ['pv_power_w', 1]],
  ['PowerFeedIn', ['grid_power_w', 1]],
  ['PowerLoad', ['load_power_w', -1]],
  ['PowerBattCharge', ['battery_power_w', 1]],
  ['BattSOC', ['battery_soc_pct', 1]],
  ['PowerOutput', ['ac_power_w', 1]],
])

export function flowReading(
  body: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const device = wordsOf(body.deviceId, 60)
  const system = wordsOf(body.pvSystemId, 60)
  const built = reading(
    device ?? `pvsystem/${system ?? ''}`,
    timeOf(get(body, 'data', 'logDateTime'), message),
    rejected,
  )
  built.attributes(
    device === undefined ? { kind: 'gateway' } : { kind: 'inverter', parent: `pvsystem/${system ?? ''}` },
  )
  for (const channel of (get(body, 'data', 'channels') as unknown[]).slice(0, 100)) {
    const name = wordsOf(get(channel, 'channelName'), 60) ?? ''
    const known = CHANNELS.get(name)
    const factor = known && unitFactor(wordsOf(get(channel, 'unit'), 20) ?? '', known[0])
    if (known && factor !== undefined) built.metric(known[0], get(channel, 'value'), factor * known[1])
    else built.extraNumber(name, get(channel, 'value'))
  }
  if (get(body, 'status', 'isOnline') === false) built.status('unreachable').quality('stale')
  return built.measured ? [built.build()] : []
}

/** Its history: intervals with their length in seconds (`histdata`), or sums by day, month and year (`aggrdata`). */
export const isHistory = (body: Record<string, unknown>): boolean =>
  body.pvSystemId !== undefined && Array.isArray(body.data)
/** Lists of systems and devices. */
export const isCatalogue = (body: Record<string, unknown>): boolean =>
  Array.isArray(body.pvSystems) || (Array.isArray(body.devices) && body.Head === undefined)

const MAX_ENTRIES = 10_000
/** What was produced, best first: systems without a meter, and inverters, have other names for it. */
const PRODUCED = ['EnergyProductionTotal', 'EnergyExported', 'EnergyOutput']
/** Within the day even where a clock change makes it an hour shorter. */
const LATE_MS = 23 * 3_600_000 - 1000

export function historyReadings(
  body: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const device = wordsOf(body.deviceId, 60)
  const system = `pvsystem/${wordsOf(body.pvSystemId, 60) ?? ''}`
  return (body.data as unknown[]).slice(0, MAX_ENTRIES).flatMap((entry) => {
    const when = get(entry, 'logDateTime') ?? get(entry, 'logDate')
    const length = finiteOf(get(entry, 'logDuration'))
    const day = typeof when === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(when)
    const start = textMs(when, message.timezone)
    // Sums of months and years are no counters; a day's is the day counter as it stood at its end.
    if (start === undefined || (length === undefined && !day)) return []
    const ts = day && length === undefined ? Math.min(start + LATE_MS, message.receivedAt) : start
    const built = reading(device ?? system, deviceTime(ts, message), rejected).attributes(
      device === undefined ? { kind: 'gateway' } : { kind: 'inverter', parent: system },
    )
    const channels = get(entry, 'channels')
    const list = Array.isArray(channels) ? (channels as unknown[]).slice(0, 100) : []
    const named = (name: string) => list.find((channel) => get(channel, 'channelName') === name)
    const produced = PRODUCED.map(named).find((channel) => finiteOf(get(channel, 'value')) !== undefined)
    const metric = length === undefined ? 'energy_day_wh' : 'energy_interval_wh'
    const factor = unitFactor(wordsOf(get(produced, 'unit'), 20) ?? 'Wh', metric)
    if (produced !== undefined && factor !== undefined) {
      built.metric(metric, get(produced, 'value'), factor)
      if (length !== undefined) built.metric('interval_s', length)
    }
    for (const channel of list)
      if (channel !== produced) built.extraNumber(wordsOf(get(channel, 'channelName'), 60) ?? '', get(channel, 'value'))
    return built.measured ? [built.build()] : []
  })
}
