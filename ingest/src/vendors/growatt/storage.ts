import type { DecodedReading } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import {
  arrival,
  finiteOf,
  get,
  integerOf,
  isRecord,
  levelsOf,
  reading,
  type ReadingBuilder,
  wordsOf,
} from '../../vocabulary/index.ts'
import { delivers, OFF_GRID_TEXTS, offGridStatus } from './states.ts'

type Values = Record<string, unknown>

/** Sum of the values that are there. */
function sum(...values: unknown[]): number | undefined {
  const known = values.map(finiteOf).filter((value) => value !== undefined)
  return known.length > 0 ? Math.round(known.reduce((a, b) => a + b, 0) * 1000) / 1000 : undefined
}

/** Record of the server for off-grid inverters and storages (SPF, SP): what it puts out feeds the loads. */
export const isStorage = (record: Values): boolean => record.outPutPower !== undefined && record.outPutPower !== null

/** The second tracker of these has a record's names with a 2, while the first has them bare: the plain names are no totals. */
export function putStorage(built: ReadingBuilder, v: Values): void {
  built
    .metric('pv_power_w', sum(v.ppv, v.ppv2))
    .metric('load_power_w', v.outPutPower)
    .metric('frequency_hz', finiteOf(v.freqOutPut) || v.freqGrid || undefined)
    .metric('energy_day_wh', sum(v.epvToday, v.epvToday2), 1000)
    .metric('energy_total_wh', sum(v.epvTotal, v.epvTotal2), 1000)
    .ac(0, { voltage_v: v.outPutVolt, current_a: v.outPutCurrent, power_w: v.outPutPower })
    .dc(0, { voltage_v: v.vpv, power_w: v.ppv })
    .extraNumber('vGrid', v.vGrid)
    .extraNumber('loadPercent', v.loadPercent)
  if ((finiteOf(v.vpv2) ?? 0) > 0 || (finiteOf(v.ppv2) ?? 0) > 0) built.dc(1, { voltage_v: v.vpv2, power_w: v.ppv2 })
  // The meter of a grid-tied storage has both directions; without one they are zeros, and the input is what comes from the grid.
  const input = finiteOf(v.pAcInPut)
  const [from, to] = [finiteOf(v.pacToUser), finiteOf(v.pacToGrid)]
  if (input !== undefined && input > 0) built.metric('grid_power_w', input)
  else if (from !== undefined || to !== undefined) built.metric('grid_power_w', (from ?? 0) - (to ?? 0))
  if ((finiteOf(v.capacity) ?? 0) > 0 || (finiteOf(v.vBat) ?? 0) > 0) {
    const [charge, discharge] = [sum(v.pCharge, v.pCharge2), sum(v.pDischarge, v.pDischarge2)]
    built.metric('battery_soc_pct', v.capacity).extraNumber('vBat', v.vBat)
    if (charge !== undefined || discharge !== undefined)
      built.metric('battery_power_w', (discharge ?? 0) - (charge ?? 0))
  }
}

export function putStorageStatus(built: ReadingBuilder, v: Values): void {
  const code = integerOf(v.status)
  if (code === undefined) return
  const running = delivers(v.ppv, v.ppv2, v.outPutPower) ? 'producing' : 'standby'
  built
    .status(offGridStatus(code) ?? running)
    .extra('status_code', code)
    .extra('status_text', wordsOf(v.statusText, 100) ?? OFF_GRID_TEXTS[code])
}

/** Balcony storages (NOAH, NEXA): a record of the server with battery packs. */
export const isPacked = (record: Values): boolean =>
  record.totalBatteryPackSoc !== undefined && record.totalBatteryPackSoc !== null

/** `totalBatteryPackChargingPower` is + while charging; some firmware has no sign, and the status beside tells (2 is discharge). */
export function putPacks(built: ReadingBuilder, v: Values): void {
  const power = finiteOf(v.totalBatteryPackChargingPower)
  const state = integerOf(v.totalBatteryPackChargingStatus)
  if (power !== undefined) {
    const discharge = state === 2 ? Math.abs(power) : state === 1 ? -Math.abs(power) : -power
    built.metric('battery_power_w', discharge === 0 ? 0 : discharge)
  }
  built.metric('battery_soc_pct', v.totalBatteryPackSoc)
  // 0 where no meter tells what the household uses, and where there is no sensor.
  if ((finiteOf(v.totalHouseholdLoad) ?? 0) > 0) built.metric('load_power_w', v.totalHouseholdLoad)
  if ((finiteOf(v.systemTemp) ?? 0) !== 0) built.metric('inverter_temp_c', v.systemTemp)
  for (let i = 1; i <= 4; i++) {
    const input = { voltage_v: v[`pv${i}Voltage`], current_a: v[`pv${i}Current`] }
    if (Object.values(input).every((value) => (finiteOf(value) ?? 0) === 0)) continue
    built.dc(i - 1, input)
  }
  for (let i = 1; i <= 4; i++) {
    if (wordsOf(v[`battery${i}SerialNum`], 60) === undefined) continue
    built.extraNumber(`battery${i}_soc`, v[`battery${i}Soc`]).extraNumber(`battery${i}_temp_c`, v[`battery${i}Temp`])
  }
  const fault = integerOf(v.faultStatus)
  if (fault === 0) built.noFault()
  else if (fault !== undefined && fault > 0) built.fault(fault, undefined, 'major')
}

/** Status 1 is normal operation, day and night: what flows tells the rest. */
export function putPacksStatus(built: ReadingBuilder, v: Values): void {
  if (integerOf(v.status) === 1) built.status(delivers(v.pac, v.ppv) ? 'producing' : 'standby')
}

const PARTS = ['output_w', 'solar_w', 'charge_w', 'discharge_w', 'generation_total_kwh']
/** What the common reader of these storages (noah-mqtt) publishes to `noah2mqtt/<serial>`, and of each pack to `…/BAT0`. */
export const isPackRelay = (body: Values): boolean => PARTS.filter((key) => Object.hasOwn(body, key)).length >= 3
export const isPackPart = (body: Values, message: VendorMessage): boolean =>
  body.soc !== undefined && /^BAT\d{1,2}$/.test(levelsOf(message.topic).at(-1) ?? '')

export function packRelayReading(body: Values, message: VendorMessage, rejected: Rejection[]): DecodedReading[] {
  const levels = levelsOf(message.topic)
  const part = isPackPart(body, message)
  const parent = levels.at(part ? -2 : -1)?.slice(0, 100)
  const serial = part ? wordsOf(body.serial, 60) : parent
  const device = serial ?? (levels.join('/').slice(0, 200) || 'noah')
  const built = reading(device, arrival(message), rejected).metric('battery_soc_pct', body.soc)
  if (part) {
    built.extraNumber('battery_temp_c', body.temp).attributes({ kind: 'battery', serial, parent })
    return built.measured ? [built.build()] : []
  }
  const [charge, discharge] = [finiteOf(body.charge_w), finiteOf(body.discharge_w)]
  built
    .metric('ac_power_w', body.output_w)
    .metric('pv_power_w', body.solar_w)
    .metric('energy_day_wh', body.generation_today_kwh, 1000)
    .metric('energy_total_wh', body.generation_total_kwh, 1000)
    .extra('work_mode', wordsOf(body.work_mode, 40))
    .attributes({ kind: 'inverter', serial })
  if (charge !== undefined || discharge !== undefined) built.metric('battery_power_w', (discharge ?? 0) - (charge ?? 0))
  const state = wordsOf(body.status, 40)?.toLowerCase()
  // What is told of one that is offline is the last that was heard of it.
  if (state === 'offline') built.status('unreachable').quality('stale')
  else if (state === 'online') built.status(delivers(body.output_w, body.solar_w) ? 'producing' : 'standby')
  return built.measured ? [built.build()] : []
}

/** Milliseconds of the server are the device's local time read as Chinese time, whatever the country. */
export function serverWallTime(value: unknown): string | undefined {
  const ms = typeof value === 'number' ? value : isRecord(value) ? get(value, 'time') : undefined
  if (typeof ms !== 'number' || !(ms > 1e11 && ms < 1e14)) return undefined
  return new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19)
}
