import type { DecodedReading } from '@heliograph/crm-core/contracts'
import type { Rejection } from '../vendor.ts'
import type { ReadingTime } from './time.ts'

/**
 * Readings from publishers that send one value per message. Nothing in the messages says which values belong together, so
 * values of one device are gathered for a short window counted by arrival: the window's reading has the arrival time of its
 * first message and is yielded again, fuller, with every message (same device and ts: the later one replaces). That needs no
 * timer, so decoding the same messages again gives the same readings.
 *
 * Publishers that send on change only leave out what stayed the same; for them `carryMs` lets values of the recent past stand
 * in, so that power and counters still sit in one row. A value that was dropped (`forget`) is never carried.
 */
export interface WindowOptions {
  /** Length of a window, ms of arrival time. */
  windowMs: number
  /** Values younger than this may stand in for values the window does not have; 0: only the window's own. */
  carryMs?: number
  /** Devices kept per shard; beyond it the one heard least recently goes. */
  maxDevices?: number
  /** Values kept per device; further names are ignored. */
  maxValues?: number
}
export interface WindowState {
  devices: Record<string, DeviceWindow>
}
/** What one device said recently. JSON-serialisable. */
export interface DeviceWindow {
  /** Arrival of the window's first message: the reading's `ts`. */
  start: number
  /** Latest arrival of any message of this device. */
  seen: number
  /** Name to [value, arrival]. */
  values: Record<string, [value: WindowValue, at: number]>
  /** What stays true from window to window: serial, model, name. */
  facts?: Record<string, string>
  /** The device's own time of this window, where it was told before the first value (see `timeOfWindow`). */
  time?: ReadingTime
  /** The device said that it left. */
  gone?: boolean
}
export type WindowValue = number | string | boolean

export const emptyWindows = (): WindowState => ({ devices: {} })

/** `__proto__` as a key of a plain object is an assignment to the prototype; such names come from hostile topics only. */
export const isSafeKey = (key: string): boolean => key !== '__proto__' && key !== '' && key.length <= 200

/**
 * The device's window at this arrival: the current one, or a new one when the current is over (or time went backwards by more
 * than a window, as in a replay from another clock).
 */
export function windowOf(state: WindowState, device: string, receivedAt: number, options: WindowOptions): DeviceWindow {
  let window = Object.hasOwn(state.devices, device) ? state.devices[device] : undefined
  if (!window) {
    makeRoom(state, options.maxDevices ?? 500)
    window = { start: receivedAt, seen: receivedAt, values: {} }
    state.devices[device] = window
    return window
  }
  if (receivedAt >= window.start + options.windowMs || receivedAt < window.start - options.windowMs) {
    window.start = receivedAt
    delete window.time
    const oldest = receivedAt - (options.carryMs ?? 0)
    for (const [name, [, at]] of Object.entries(window.values)) {
      if (at <= oldest || at > receivedAt) delete window.values[name]
    }
  }
  window.seen = Math.max(window.seen, receivedAt)
  return window
}
function makeRoom(state: WindowState, maxDevices: number): void {
  const names = Object.keys(state.devices)
  if (names.length < maxDevices) return
  let oldest: string | undefined
  let seen = Infinity
  for (const name of names) {
    const at = state.devices[name]?.seen ?? 0
    if (at < seen) [oldest, seen] = [name, at]
  }
  if (oldest !== undefined) delete state.devices[oldest]
}

/** Puts a value into the window. Returns false where the device has too many names already. */
export function put(
  window: DeviceWindow,
  name: string,
  value: WindowValue,
  receivedAt: number,
  options: WindowOptions,
): boolean {
  if (!isSafeKey(name)) return false
  if (!Object.hasOwn(window.values, name) && Object.keys(window.values).length >= (options.maxValues ?? 200))
    return false
  window.values[name] = [value, receivedAt]
  return true
}
/** The device says that the value is not valid any more. */
export function forget(window: DeviceWindow, name: string): void {
  if (Object.hasOwn(window.values, name)) delete window.values[name]
}
/** A value of the window (or carried into it), or undefined. */
export function valueIn(window: DeviceWindow, name: string): WindowValue | undefined {
  return Object.hasOwn(window.values, name) ? window.values[name]?.[0] : undefined
}

/** A fact about the device; the newest text wins. At most twenty per device. */
export function putFact(window: DeviceWindow, name: string, text: string | undefined): void {
  if (text === undefined || !isSafeKey(name)) return
  const facts = (window.facts ??= {})
  if (Object.hasOwn(facts, name) || Object.keys(facts).length < 20) facts[name] = text.slice(0, 200)
}

/**
 * Puts one value and yields the window's reading with it. Values in a window passed this check when they came, so whatever is
 * wrong now is the new value: it is taken out again and rejected once, instead of with every later message of the window.
 */
export function gather(
  window: DeviceWindow,
  name: string,
  value: WindowValue,
  receivedAt: number,
  options: WindowOptions,
  build: (window: DeviceWindow, rejected: Rejection[]) => DecodedReading | undefined,
): { readings: DecodedReading[]; rejected?: Rejection[] } {
  const before = Object.hasOwn(window.values, name) ? window.values[name] : undefined
  if (!put(window, name, value, receivedAt, options)) return { readings: [] }
  const rejected: Rejection[] = []
  const reading = build(window, rejected)
  if (rejected.length === 0) return { readings: reading ? [reading] : [] }
  forget(window, name)
  if (before) window.values[name] = before
  return { readings: [], rejected: rejected.slice(0, 1) }
}

/**
 * Time of a window's reading: the device's, where it was known before the first value of the window, else the arrival of the window's
 * first message. Decided once per window, because a reading that moved to another time would leave its first half behind.
 */
export function timeOfWindow(window: DeviceWindow, deviceMs: number | undefined): ReadingTime {
  window.time ??=
    deviceMs === undefined ? { ts: window.start, tsSource: 'arrival' } : { ts: deviceMs, tsSource: 'device' }
  return window.time
}
