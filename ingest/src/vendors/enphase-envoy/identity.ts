import { get, isRecord, levelsOf, wordsOf } from '../../vocabulary/index.ts'
import type { LastReadings } from '../../vocabulary/merge.ts'

export type MeterType = 'production' | 'net-consumption' | 'total-consumption' | 'storage' | 'load' | 'evse'

export interface EnvoyState {
  /**
   * External id of the gateway: its serial where `/info` came first, else the topic's prefix or `envoy`. Kept once used, so that a
   * gateway does not become a second device when its serial is learnt later (the serial then is an attribute).
   */
  gateway?: string
  serial?: string
  firmware?: string
  partNumber?: string
  /** Meter types by their eid, as `/ivp/meters` says. */
  meters: Record<string, { type?: MeterType; phases?: number; off?: true }>
  /** Serials of devices that the gateway's inventory calls not communicating. */
  silent: string[]
  /** Arrival of the last `/production.json`, whose totals are fresher than those of `/api/v1/production`. */
  productionAt?: number
  last: LastReadings
}
export const initialEnvoyState = (): EnvoyState => ({ meters: {}, silent: [], last: {} })

export const FALLBACK_GATEWAY = 'envoy'
/** First level of every path of the gateway, to tell a path from the prefix that a bridge put before it. */
const PATH_STARTS = new Set([
  'api',
  'ivp',
  'info',
  'info.xml',
  'production',
  'production.json',
  'inventory.json',
  'home.json',
  'stream',
  'admin',
  'home',
  'inventory',
])

/** What stands before the gateway's own path in a topic: a bridge's name for the gateway. */
export function topicPrefix(topic: string | undefined): string {
  const levels = levelsOf(topic)
  const start = levels.findIndex((level) => PATH_STARTS.has(level))
  return start > 0 ? levels.slice(0, start).join('/').slice(0, 200) : ''
}

/** The gateway's external id; fixed by its first use. */
export function gatewayId(state: EnvoyState, topic: string | undefined): string {
  return (state.gateway ??= state.serial ?? (topicPrefix(topic) || FALLBACK_GATEWAY))
}
export const gatewayFacts = (state: EnvoyState) => ({
  kind: 'gateway' as const,
  serial: state.serial,
  firmware: state.firmware,
  model: state.partNumber,
})

/**
 * Meters are numbered alike on every gateway, so their id carries the gateway's where that is known. The numbers are fixed: the
 * first is the production meter, the second the consumption meter, the third the storage meter.
 */
export const meterId = (gateway: string, eid: string): string =>
  gateway === FALLBACK_GATEWAY ? eid : `${gateway}/${eid}`
const FIXED_METERS: Readonly<Record<string, MeterType>> = {
  704643328: 'production',
  704643584: 'net-consumption',
  704643840: 'storage',
}
export function meterType(state: EnvoyState, eid: string): MeterType | undefined {
  if (Object.hasOwn(state.meters, eid)) return state.meters[eid]?.type
  return Object.hasOwn(FIXED_METERS, eid) ? FIXED_METERS[eid] : undefined
}
/** A meter that is switched off still shows zeros. */
export const isOff = (state: EnvoyState, eid: string): boolean =>
  Object.hasOwn(state.meters, eid) && state.meters[eid]?.off === true
/** The eid of the meter of a type; a computed one (total consumption beside a net meter) has none and is called by its type. */
export function eidOf(state: EnvoyState, type: MeterType): string {
  const known = Object.entries(state.meters).find(([, meter]) => meter.type === type)
  if (known) return known[0]
  const fixed = Object.entries(FIXED_METERS).find(([eid, name]) => name === type && !Object.hasOwn(state.meters, eid))
  return fixed?.[0] ?? type
}
const METER_TYPES = new Set<unknown>(['production', 'net-consumption', 'total-consumption', 'storage', 'load', 'evse'])
export const isMeterType = (value: unknown): value is MeterType => METER_TYPES.has(value)

const MAX_METERS = 20
const MAX_SILENT = 500

/** `/ivp/meters`: which eid measures what. Measures nothing itself. */
export function rememberMeters(list: unknown[], state: EnvoyState): void {
  for (const entry of list.slice(0, MAX_METERS)) {
    const eid = wordsOf(get(entry, 'eid'), 20)
    const type = get(entry, 'measurementType')
    const phases = get(entry, 'phaseCount')
    if (eid === undefined || !/^\d+$/.test(eid)) continue
    if (Object.keys(state.meters).length >= MAX_METERS && !Object.hasOwn(state.meters, eid)) continue
    state.meters[eid] = {
      ...(isMeterType(type) && { type }),
      ...(typeof phases === 'number' && phases >= 1 && phases <= 3 && { phases }),
      ...(get(entry, 'state') === 'disabled' && { off: true as const }),
    }
  }
}

/** `/info`: XML with the serial, the part number and the software. */
export function rememberInfo(xml: string, state: EnvoyState): void {
  // The device's own facts come first; the packages after them have part numbers and versions of their own.
  const device = /<device>([\s\S]{0,4000}?)<\/device>/.exec(xml)?.[1] ?? ''
  const tag = (name: string) => wordsOf(new RegExp(`<${name}>([^<]{1,60})</${name}>`).exec(device)?.[1])
  state.serial = tag('sn') ?? state.serial
  state.firmware = tag('software') ?? state.firmware
  state.partNumber = tag('pn') ?? state.partNumber
}

/** Inventories: who does not answer the gateway. The values it still shows for them are old. */
export function rememberSilence(groups: unknown[], state: EnvoyState): void {
  for (const group of groups.slice(0, 20)) {
    const devices = get(group, 'devices')
    for (const device of Array.isArray(devices) ? (devices as unknown[]).slice(0, 2000) : []) {
      const serial = isRecord(device) ? wordsOf(device.serial_num, 60) : undefined
      const communicating = get(device, 'communicating')
      if (serial === undefined || typeof communicating !== 'boolean') continue
      state.silent = state.silent.filter((one) => one !== serial)
      if (!communicating) state.silent.push(serial)
    }
  }
  state.silent = state.silent.slice(-MAX_SILENT)
}
