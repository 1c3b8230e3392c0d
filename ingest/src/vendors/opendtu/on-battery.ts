import type { DecodedReading } from '@heliograph/crm-core/contracts'
import type { Decoded, Rejection, VendorMessage } from '../../vendor.ts'
import {
  type DeviceWindow,
  gather,
  numberOf,
  quote,
  reading,
  timeOfWindow,
  valueIn,
  windowOf,
  type WindowOptions,
  type WindowState,
} from '../../vocabulary/index.ts'

/** A meter speaks every few seconds, all of it in one burst. */
const WINDOWS: WindowOptions = { windowMs: 1000, maxDevices: 500, maxValues: 40 }

const KINDS = { powermeter: 'meter', battery: 'battery' } as const
type Group = keyof typeof KINDS
export const isMeasuredGroup = (group: string): group is Group => Object.hasOwn(KINDS, group)

const PHASE_VALUES = ['power', 'voltage', 'current'] as const
const VALUES: Readonly<Record<Group, ReadonlySet<string>>> = {
  powermeter: new Set([
    'powertotal',
    ...PHASE_VALUES.flatMap((name) => [1, 2, 3].map((phase) => `${name}${String(phase)}`)),
    ...['import', 'export'],
  ]),
  battery: new Set(['stateofcharge', 'stateofhealth', 'voltage', 'current', 'temperature']),
}

/**
 * OpenDTU-OnBattery: the meter that its limiter follows (`powermeter/…`, positive is what is taken from the grid) and the battery
 * (`battery/…`). Each is a device of its own beside the inverters, named by the base topic.
 * @param rest below the group
 */
export function decodeGroup(
  base: string,
  group: Group,
  rest: readonly string[],
  text: string,
  message: VendorMessage,
  state: WindowState,
): Decoded {
  const name = rest.join('/').toLowerCase()
  if (!VALUES[group].has(name)) return { readings: [] }
  const value = numberOf(text)
  if (value === undefined) return { readings: [] }
  const device = `${base || 'opendtu'}/${group}`.slice(0, 200)
  if (Number.isNaN(value))
    return {
      readings: [],
      rejected: [{ reason: 'invalid-field', detail: `${name} of ${device}: ${quote(text)} is not a number` }],
    }
  const { receivedAt } = message
  const window = windowOf(state, device, receivedAt, WINDOWS)
  return gather(window, name, value, receivedAt, WINDOWS, (current, rejected) =>
    build(device, group, current, rejected),
  )
}

function build(device: string, group: Group, window: DeviceWindow, rejected: Rejection[]): DecodedReading | undefined {
  const value = (name: string) => valueIn(window, name)
  const built = reading(device, timeOfWindow(window, undefined), rejected).attributes({ kind: KINDS[group] })
  if (group === 'powermeter') {
    built.metric('grid_power_w', value('powertotal'))
    for (const phase of [1, 2, 3])
      built.ac(phase - 1, {
        power_w: value(`power${String(phase)}`),
        voltage_v: value(`voltage${String(phase)}`),
        current_a: value(`current${String(phase)}`),
      })
    // Wh or kWh, as the meter behind it has it.
    for (const name of ['import', 'export']) built.extraNumber(name, value(name))
  } else {
    built.metric('battery_soc_pct', value('stateofcharge'))
    // Which direction of the current is positive differs from battery to battery.
    for (const name of ['stateofhealth', 'voltage', 'current', 'temperature'])
      built.extraNumber(`battery_${name}`, value(name))
  }
  return built.build()
}
