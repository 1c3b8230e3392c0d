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
  put,
  reading,
  type ReadingBuilder,
  valueIn,
  type WindowOptions,
  type WindowState,
  windowOf,
} from '../../vocabulary/index.ts'

/** A first-generation device publishes one value per message, a burst at a time. */
const WINDOW: WindowOptions = { windowMs: 2000, maxDevices: 500, maxValues: 60 }
const WATT_MINUTE = 1 / 60
const MAX_CHANNELS = 6

/** Body of `GET /status` of the first generation (also published on `info`). */
export const isGen1Status = (body: Record<string, unknown>): boolean =>
  Array.isArray(body.meters) || Array.isArray(body.emeters) || (Array.isArray(body.relays) && 'wifi_sta' in body)

/**
 * Status of a first-generation device. `meters` count watt-minutes, `emeters` Wh. A meter's own `timestamp` is local time dressed
 * as UTC; `unixtime` of the status is UTC, and 0 before the clock was set.
 */
export function gen1Readings(
  device: string,
  status: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const time = deviceTime(epochMs(status.unixtime, 's'), message)
  const emeters = listOf(status.emeters)
  const readings: DecodedReading[] = []
  if (emeters.length === 3) {
    const built = reading(device, time, rejected)
    putPhases(built, (name, phase) =>
      get(emeters[phase], 'is_valid') === false ? undefined : get(emeters[phase], name),
    )
    if (built.measured) readings.push(built.build())
    return readings
  }
  emeters.forEach((emeter, index) => {
    if (get(emeter, 'is_valid') === false) return
    const built = reading(channel(device, index), time, rejected)
    putEmeter(built, (name) => get(emeter, name))
    if (built.measured) readings.push(built.build())
  })
  if (emeters.length > 0) return readings
  listOf(status.meters).forEach((meter, index) => {
    if (get(meter, 'is_valid') === false) return
    const built = reading(channel(device, index), time, rejected)
      .metric('ac_power_w', get(meter, 'power'))
      .metric('energy_total_wh', get(meter, 'total'), WATT_MINUTE)
      .extra('output', get(status.relays, index, 'ison'))
      .extraNumber('temperature_c', get(status, 'tmp', 'tC'))
    if (status.overtemperature === true) built.fault('overtemperature', undefined, 'major')
    if (get(status.relays, index, 'overpower') === true) built.fault('overpower', undefined, 'major')
    if (built.measured) readings.push(built.build())
  })
  return readings
}

/** Answer of `/meter/0` or `/emeter/0`: one entry of the status alone. The address tells which. */
export const isGen1Meter = (body: Record<string, unknown>): boolean =>
  'power' in body && 'is_valid' in body && 'total' in body
export function gen1Meter(
  device: string,
  body: Record<string, unknown>,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const index = Number(/meter\/(\d)$/.exec(message.topic?.split('?')[0] ?? '')?.[1] ?? 0)
  if (body.is_valid === false) return []
  const built = reading(channel(device, index), arrival(message), rejected).attributes({ kind: 'meter' })
  if ('total_returned' in body) putEmeter(built, (name) => body[name])
  else built.metric('ac_power_w', body.power).metric('energy_total_wh', body.total, WATT_MINUTE)
  return built.measured ? [built.build()] : []
}
const listOf = (value: unknown): unknown[] =>
  Array.isArray(value) ? (value as unknown[]).filter(isRecord).slice(0, MAX_CHANNELS) : []
const channel = (device: string, index: number): string => (index === 0 ? device : `${device}/${index}`)

function putEmeter(built: ReadingBuilder, value: (name: string) => unknown): void {
  built
    .metric('grid_power_w', value('power'))
    .metric('power_factor', value('pf'))
    .metric('reactive_power_var', value('reactive') ?? value('reactive_power'))
    .metric('import_total_wh', value('total'))
    .metric('export_total_wh', value('total_returned'))
    .ac(0, { voltage_v: value('voltage'), current_a: value('current'), power_w: value('power') })
}
/** Three clamps of one device are three phases: sums where all of them are there. */
function putPhases(built: ReadingBuilder, value: (name: string, phase: number) => unknown): void {
  const sum = (name: string): number | undefined => {
    const values = [0, 1, 2].map((phase) => numberOf(value(name, phase)))
    return values.some((one) => one === undefined)
      ? undefined
      : Math.round(values.reduce<number>((a, b) => a + (b ?? 0), 0) * 1000) / 1000
  }
  built
    .metric('grid_power_w', sum('power'))
    .metric('import_total_wh', sum('total'))
    .metric('export_total_wh', sum('total_returned'))
  for (let i = 0; i < 3; i++)
    built.ac(i, { voltage_v: value('voltage', i), current_a: value('current', i), power_w: value('power', i) })
}

const VALUE_NAMES = new Set([
  'power',
  'energy',
  'total',
  'total_returned',
  'returned_energy',
  'voltage',
  'current',
  'pf',
  'reactive_power',
])
const GROUPS = new Set(['emeter', 'relay', 'meter', 'roller', 'light', 'color', 'white'])
/** `shellies/<id>/emeter/0/power` and the like, cut at the device: `['emeter', '0', 'power']`. */
export const isGen1Value = (rest: readonly string[]): boolean =>
  rest.length === 3 && GROUPS.has(rest[0] ?? '') && /^\d$/.test(rest[1] ?? '') && VALUE_NAMES.has(rest[2] ?? '')

/** One value of a first-generation device, gathered with the others of its burst. */
export function gen1Value(
  device: string,
  rest: readonly string[],
  text: string,
  message: VendorMessage,
  windows: WindowState,
  rejected: Rejection[],
): DecodedReading[] {
  const [group = '', index = '0', name = ''] = rest
  const number = finiteOf(text)
  if (number === undefined) {
    if (numberOf(text) !== undefined)
      rejected.push({
        reason: 'invalid-field',
        detail: `${rest.join('/')}: ${JSON.stringify(text.slice(0, 40))} is not a number`,
      })
    return []
  }
  const threePhase = group === 'emeter' && device.startsWith('shellyem3')
  const target = threePhase ? device : channel(device, Number(index))
  const window = windowOf(windows, target, message.receivedAt, WINDOW)
  put(window, threePhase ? `${name}/${index}` : name, number, message.receivedAt, WINDOW)
  const built = reading(target, { ts: window.start, tsSource: 'arrival' }, rejected).attributes({ kind: 'meter' })
  if (threePhase) putPhases(built, (wanted, phase) => valueIn(window, `${wanted}/${phase}`))
  else if (group === 'emeter') putEmeter(built, (wanted) => valueIn(window, wanted))
  else
    built
      .metric('ac_power_w', valueIn(window, 'power'))
      .metric('energy_total_wh', valueIn(window, 'energy'), WATT_MINUTE)
  return built.measured ? [built.build()] : []
}
