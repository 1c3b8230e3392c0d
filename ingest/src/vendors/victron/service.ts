import type { Channel, DeviceAttributes, Metric } from '@heliograph/crm-core/contracts'
import type { ReadingBuilder } from '../../vocabulary/index.ts'
import { type inverterStatus, STATE_TEXTS } from './codes.ts'

export type Put = (built: ReadingBuilder, value: unknown) => unknown
/** Number of a value of the window, by its path. */
export type Get = (path: string) => number | undefined
export interface Service {
  kind: DeviceAttributes['kind']
  /** What each path of the service is. A path that is not here is not kept. */
  paths: Readonly<Record<string, Put>>
  /** What takes more than one value: sums, states, faults. */
  finish?(built: ReadingBuilder, get: Get): void
}

export const metric =
  (name: Metric, factor = 1): Put =>
  (built, value) =>
    built.metric(name, value, factor)
/** Kept under its own path. */
const extra = (path: string): Record<string, Put> => ({
  [path]: (built, value) => built.extraNumber(path, value),
})
export const extras = (...paths: string[]) => Object.assign({}, ...paths.map(extra)) as Record<string, Put>
/** Read by `finish`, not by itself. */
export const used = (...paths: string[]) =>
  Object.fromEntries(paths.map((path): [string, Put] => [path, () => undefined]))

/** Three phases: `#` in the prefix is the number; a single-phase device sends null for the others, which drops them. */
export function phases(prefix: string, names: Partial<Record<keyof Channel, string>>): Record<string, Put> {
  const puts: Record<string, Put> = {}
  for (let phase = 0; phase < 3; phase++) {
    for (const [key, name] of Object.entries(names)) {
      puts[`${prefix.replace('#', String(phase + 1))}/${name}`] = (built, value) => built.ac(phase, { [key]: value })
    }
  }
  return puts
}
export const METER_PHASES = phases('Ac/L#', { voltage_v: 'Voltage', current_a: 'Current', power_w: 'Power' })
/**
 * Sum of the phases' powers, undefined where none is known, or fewer than the device says it has: half a sum is a wrong value.
 * Counters are never added up like this: one phase's counter coming late would look like a reset. `#` is the phase.
 */
export function sumOf(get: Get, pattern: string, phases?: number): number | undefined {
  const known = phasePaths(pattern)
    .map(get)
    .filter((value) => value !== undefined)
  if (known.length === 0 || known.length < (phases ?? 0)) return undefined
  return Math.round(known.reduce((sum, value) => sum + value, 0) * 1000) / 1000
}
/** Drivers that leave the sum to the reader say how many phases there are. */
export function putMissingSum(
  built: ReadingBuilder,
  get: Get,
  name: 'ac_power_w' | 'grid_power_w' | 'load_power_w',
): void {
  const phases = get('NrOfPhases')
  if (get('Ac/Power') === undefined && phases !== undefined && phases > 0)
    built.metric(name, sumOf(get, 'Ac/L#/Power', phases))
}
export const phasePaths = (pattern: string) => ['1', '2', '3'].map((phase) => pattern.replace('#', phase))

export function state(
  built: ReadingBuilder,
  get: Get,
  status: (state: number) => ReturnType<typeof inverterStatus>,
): void {
  const code = get('State')
  if (code === undefined) return
  built.status(status(code)).extra('status_code', code)
  if (Object.hasOwn(STATE_TEXTS, code)) built.extra('status_text', STATE_TEXTS[code])
}
export function errors(built: ReadingBuilder, code: number | undefined, texts: Readonly<Record<number, string>>): void {
  if (code === undefined) return
  built.noFault()
  if (code !== 0) built.fault(code, texts[code])
}
