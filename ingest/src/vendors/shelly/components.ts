import { entriesOf, get, integerOf, isRecord, type ReadingBuilder, wordsOf } from '../../vocabulary/index.ts'

/** Components that measure, by the name before the colon: `em:0`, `switch:1`. */
const METERS = new Set(['em', 'emdata', 'em1', 'em1data', 'switch', 'pm1', 'cover', 'light', 'rgb', 'rgbw', 'cct'])
const COMPONENT = /^([a-z][a-z0-9]*):(\d{1,3})$/
const PHASES = ['a', 'b', 'c'] as const

export interface Component {
  kind: string
  index: number
  status: Record<string, unknown>
}
/** `em:0` of a status object or the last level of a topic; undefined for what is no numbered component. */
export function componentName(name: string): { kind: string; index: number } | undefined {
  const match = COMPONENT.exec(name)
  return match ? { kind: match[1] ?? '', index: Number(match[2]) } : undefined
}
/** Whether a component measures power, newer kinds too. A `voltmeter` has a voltage, but of whatever hangs on it. */
export const isMeter = (kind: string, status: Record<string, unknown>): boolean =>
  METERS.has(kind) || 'apower' in status
/** The measuring components of a status object (`Shelly.GetStatus`, `NotifyStatus`). */
export function componentsOf(status: unknown): Component[] {
  return entriesOf(status).flatMap(([name, value]) => {
    const component = componentName(name)
    return component && isRecord(value) && isMeter(component.kind, value) ? [{ ...component, status: value }] : []
  })
}
/** What a component's status alone is (`EM.GetStatus` and the like): told by its keys. */
export function kindOf(status: Record<string, unknown>): string | undefined {
  if ('total_act_power' in status || 'a_act_power' in status) return 'em'
  if ('total_act' in status || 'a_total_act_energy' in status) return 'emdata'
  if ('total_act_energy' in status) return 'em1data'
  if ('act_power' in status) return 'em1'
  return 'apower' in status || 'aenergy' in status ? 'switch' : undefined
}

/** First channel of a device is the device itself; further ones are devices beside it: `shellypro2pm-…/switch:1`. */
export function channelDevice(device: string, { kind, index }: { kind: string; index: number }): string {
  const meter = kind === 'emdata' ? 'em' : kind === 'em1data' ? 'em1' : kind
  return index === 0 ? device : `${device}/${meter}:${index}`
}

/**
 * Energy meters (`em`, `em1`) count both directions: power is + for import, their counters are Wh taken and returned. Relays and
 * plugs (`switch`, `pm1`, `cover`, `light`) have one consumption counter in Wh and, newer ones, a second for what comes back.
 */
export function putComponent(
  built: ReadingBuilder,
  { kind, status }: { kind: string; status: Record<string, unknown> },
): void {
  if (kind === 'em') putThreePhases(built, status)
  else if (kind === 'emdata') {
    built.metric('import_total_wh', status.total_act).metric('export_total_wh', status.total_act_ret)
    for (const phase of PHASES) {
      built.extraNumber(`${phase}_import_total_wh`, status[`${phase}_total_act_energy`])
      built.extraNumber(`${phase}_export_total_wh`, status[`${phase}_total_act_ret_energy`])
    }
  } else if (kind === 'em1') {
    built
      .metric('grid_power_w', status.act_power)
      .ac(0, { voltage_v: status.voltage, current_a: status.current, power_w: status.act_power })
    built
      .metric('power_factor', status.pf)
      .metric('frequency_hz', status.freq)
      .extraNumber('aprt_power', status.aprt_power)
  } else if (kind === 'em1data') {
    built.metric('import_total_wh', status.total_act_energy).metric('export_total_wh', status.total_act_ret_energy)
  } else {
    built
      .metric('ac_power_w', status.apower)
      .metric('energy_total_wh', get(status, 'aenergy', 'total'))
      .metric('export_total_wh', get(status, 'ret_aenergy', 'total'))
      .metric('frequency_hz', status.freq)
      .metric('power_factor', status.pf)
      .ac(0, { voltage_v: status.voltage, current_a: status.current, power_w: status.apower })
      .extra('output', status.output)
      .extraNumber('temperature_c', get(status, 'temperature', 'tC'))
  }
  putErrors(built, status)
}

function putThreePhases(built: ReadingBuilder, status: Record<string, unknown>): void {
  built
    .metric('grid_power_w', status.total_act_power)
    .metric('frequency_hz', status.a_freq ?? status.b_freq ?? status.c_freq)
    .extraNumber('total_aprt_power', status.total_aprt_power)
    .extraNumber('total_current', status.total_current)
    .extraNumber('n_current', status.n_current)
  PHASES.forEach((phase, index) => {
    built.ac(index, {
      voltage_v: status[`${phase}_voltage`],
      current_a: status[`${phase}_current`],
      power_w: status[`${phase}_act_power`],
    })
    built.extraNumber(`${phase}_pf`, status[`${phase}_pf`])
  })
}

/** `errors` names what is wrong (`power_meter_failure`, `overtemp`); it is there only while something is. */
function putErrors(built: ReadingBuilder, status: Record<string, unknown>): void {
  for (const key of ['errors', 'a_errors', 'b_errors', 'c_errors']) {
    const errors = status[key]
    if (!Array.isArray(errors)) continue
    for (const error of (errors as unknown[]).slice(0, 10)) {
      const code = wordsOf(error, 60)
      if (code !== undefined) built.fault(key === 'errors' ? code : `${key[0] ?? ''}:${code}`, undefined, 'minor')
    }
  }
}

export const indexOf = (status: Record<string, unknown>): number => Math.max(0, integerOf(status.id) ?? 0)
