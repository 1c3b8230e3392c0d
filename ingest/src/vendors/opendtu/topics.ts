import type { DecodedReading } from '@heliograph/crm-core/contracts'
import type { Decoded, Rejection, VendorMessage } from '../../vendor.ts'
import {
  type DeviceWindow,
  epochMs,
  finiteOf,
  flagOf,
  gather,
  isSafeKey,
  levelsOf,
  numberOf,
  put,
  putFact,
  quote,
  reading,
  textOf,
  timeOfWindow,
  valueIn,
  windowOf,
  type WindowOptions,
  type WindowState,
  wordsOf,
} from '../../vocabulary/index.ts'
import { isAcField, isDcField, putAc, putDc } from './fields.ts'
import { decodeGroup, isMeasuredGroup } from './on-battery.ts'

/** All values of an inverter come in one burst per publish interval, which is rarely below 5 s. */
const WINDOWS: WindowOptions = { windowMs: 4000, maxDevices: 500, maxValues: 100 }

export type OpendtuTopic = { base: string } & ({ serial: string; rest: string[] } | { serial?: undefined; dtu: string })

/**
 * `<base>/<serial>/…`, or the DTU's own `<base>/dtu/…`, `<base>/ac/…`, `<base>/dc/…`. The base may have several levels; a
 * serial is twelve hexadecimal digits. OpenDTU-OnBattery has more groups of its own, and both announce themselves to Home Assistant.
 */
export function parseTopic(topic: string | undefined): OpendtuTopic | undefined {
  const levels = levelsOf(topic)
  for (let at = levels.length - 2; at >= 0; at--) {
    const level = levels[at] ?? ''
    const base = levels.slice(0, at).join('/')
    if (/^[0-9a-f]{12}$/i.test(level)) return { base, serial: level, rest: levels.slice(at + 1) }
  }
  if (levels[0] === 'homeassistant') return { base: '', dtu: 'discovery' }
  const group = levels.findIndex((level) => OWN_GROUPS.has(level))
  if (group < 0 || group === levels.length - 1) return undefined
  return { base: levels.slice(0, group).join('/'), dtu: levels.slice(group).join('/') }
}
const OWN_GROUPS = new Set([
  'dtu',
  'ac',
  'dc',
  'battery',
  'victron',
  'vedirect',
  'powerlimiter',
  'powermeter',
  'gridcharger',
  'huawei',
])

/** One message of MQTT: a bare number or text. */
export function decodeTopic(topic: OpendtuTopic, message: VendorMessage, state: WindowState): Decoded {
  const text = textOf(message.body).trim()
  if (topic.serial === undefined) return decodeOwn(topic, text, message, state)
  const { serial, rest, base } = topic
  const name = rest.join('/')
  const fact = FACTS[name]
  const kept = isKept(rest)
  // Limits and commands sent to the DTU (cmd/…), radio statistics, names of inputs: nothing measured.
  if (!kept && fact === undefined) return { readings: [] }
  const { receivedAt } = message
  const window = windowOf(state, serial, receivedAt, WINDOWS)
  putFact(window, 'base', base)
  // What a broker kept for us is of an unknown time. (At our own edge the flag is only the device's wish that it be kept.)
  if (message.retain && message.transport === 'broker') put(window, 'status/retained', true, receivedAt, WINDOWS)
  if (fact !== undefined) {
    putFact(window, fact, wordsOf(text, 200))
    return { readings: [] }
  }
  const value = numberOf(text)
  if (value === undefined) return { readings: [] } // an empty payload takes a retained value back
  if (Number.isNaN(value)) {
    const reason = /^[+-]?(nan|inf|\d)/i.test(text) ? 'out-of-bounds' : 'invalid-field'
    return {
      readings: [],
      rejected: [{ reason, detail: `${name.slice(0, 60)} of ${serial}: ${quote(text)} is not a number` }],
    }
  }
  if (name === 'status/last_update') {
    // Only a time to be used for the values that follow it; alone it says nothing new.
    put(window, name, value, receivedAt, WINDOWS)
    return { readings: [] }
  }
  return gather(window, name, value, receivedAt, WINDOWS, (current, rejected) => build(serial, current, rejected))
}

const FACTS: Readonly<Record<string, string | undefined>> = Object.assign(Object.create(null), {
  name: 'name',
  'device/fwbuildversion': 'firmware',
  'device/hwpartnumber': 'part',
}) as Record<string, string | undefined>
const STATUS = new Set([
  'status/reachable',
  'status/producing',
  'status/last_update',
  'status/limit_relative',
  'status/limit_absolute',
])
function isKept(rest: string[]): boolean {
  const [channel = '', field = '', ...more] = rest
  if (more.length > 0) return false
  if (STATUS.has(`${channel}/${field}`)) return true
  return channel === '0' ? isAcField(field) : /^[1-9]$/.test(channel) && isDcField(field)
}

function build(serial: string, window: DeviceWindow, rejected: Rejection[]): DecodedReading | undefined {
  const reachable = flagOf(valueIn(window, 'status/reachable'))
  const names = Object.keys(window.values).filter((name) => !name.startsWith('status/'))
  const measured = names.some((name) => (finiteOf(valueIn(window, name)) ?? 0) !== 0)
  // Every burst repeats the status; without values it is a row only when it says that the inverter is gone. A row of a
  // known time must not be replaced by an empty one, so such a row has the time of arrival.
  if (names.length === 0 && reachable !== false) return undefined
  const updated = reachable === false ? undefined : epochMs(valueIn(window, 'status/last_update'), 's')
  const built = reading(serial, timeOfWindow(window, updated), rejected)
  // A DTU that never heard the inverter publishes zeros for it.
  if (reachable !== false || measured) {
    for (const name of names) {
      const [channel = '', field = ''] = name.split('/')
      if (channel === '0') putAc(built, field, valueIn(window, name))
      else putDc(built, Number(channel) - 1, field, valueIn(window, name))
    }
    built.onePhase() // the sum of the inputs comes as powerdc; of half a burst it would be wrong
  }
  built.metric('power_limit_pct', valueIn(window, 'status/limit_relative'))
  built.extraNumber('limit_absolute_w', valueIn(window, 'status/limit_absolute'))
  const producing = flagOf(valueIn(window, 'status/producing'))
  if (reachable === false) built.status('unreachable').quality('stale')
  else if (producing !== undefined) built.status(producing ? 'producing' : 'standby')
  if (valueIn(window, 'status/retained') === true) built.quality('stale')
  const { name, firmware } = window.facts ?? {}
  return built.attributes({ kind: 'inverter', serial, name, firmware }).build()
}

/**
 * The DTU's own topics. Its sums over all inverters (`ac/…`, `dc/…`) are left out, as the inverters themselves come too. Its
 * last will says that nothing is heard of any of its inverters any more.
 */
function decodeOwn(
  topic: Extract<OpendtuTopic, { dtu: string }>,
  text: string,
  message: VendorMessage,
  state: WindowState,
): Decoded {
  const [group = '', ...rest] = topic.dtu.split('/')
  if (isMeasuredGroup(group)) return decodeGroup(topic.base, group, rest, text, message, state)
  if (topic.dtu !== 'dtu/status' || flagOf(text) !== false) return { readings: [] }
  const time = { ts: message.receivedAt, tsSource: 'arrival' } as const
  const serials = Object.keys(state.devices).filter(
    (serial) => isSafeKey(serial) && state.devices[serial]?.facts?.base === topic.base,
  )
  return { readings: serials.map((serial) => reading(serial, time, []).status('unreachable').build()) }
}
