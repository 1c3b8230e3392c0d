import type { DecodedReading } from '@heliograph/crm-core/contracts'
import { type Decoded, DecodeError, type Rejection, type VendorMessage } from '../../vendor.ts'
import {
  type DeviceWindow,
  entriesOf,
  epochMs,
  finiteOf,
  gather,
  get,
  integerOf,
  isRecord,
  isSafeKey,
  levelsOf,
  numberOf,
  parseJson,
  put,
  putFact,
  quote,
  reading,
  timeOfWindow,
  tryJson,
  valueIn,
  windowOf,
  type WindowOptions,
  type WindowState,
  wordsOf,
} from '../../vocabulary/index.ts'
import { availability, isInputField, isTotalField, putInput, putTotal } from './fields.ts'

/** An inverter's values come in one burst after it answered; the DTU asks every 15 s or so. */
const WINDOWS: WindowOptions = { windowMs: 4000, maxDevices: 300, maxValues: 100 }

/** A topic of an inverter (`name` is the owner's), or one of the DTU itself, which measures nothing. */
export type AhoyTopic = { base: string } & ({ name: string; field: string } | { name?: undefined; own: string })

const INVERTER_FIELDS =
  /^(available|last_success|ack_pwr_limit|radio_stat|firmware|hardware|dis_night_comm|is_available|is_producing)$/
const OWN_FIELDS =
  /^(comm_start|comm_stop|comm_disabled|comm_dis_ch|comm_dis_ts|alarm|alarm_start|alarm_end|device|dis_night_comm|free_heap|heap_frag|mqtt|status|sunrise|sunset|uptime|version|wifi_rssi|ip_addr)$/

/** `<base>/<name>/chN/<field>`, `<base>/<name>/available` and the like; `<base>/version`, `<base>/total/P_AC`. */
export function parseTopic(topic: string | undefined): AhoyTopic | undefined {
  const levels = levelsOf(topic)
  const [third, second, last] = [levels.at(-3), levels.at(-2), levels.at(-1)]
  if (last === undefined || second === undefined) return undefined
  if (third !== undefined && /^ch\d$/.test(second)) {
    return isSafeKey(third)
      ? { base: levels.slice(0, -3).join('/'), name: third, field: `${second}/${last}` }
      : undefined
  }
  const base = levels.slice(0, -2).join('/')
  if (levels[0] === 'homeassistant') return { base: '', own: 'discovery' }
  // Newer firmware can send a channel as one JSON object.
  if (levels.length >= 3 && /^ch\d$/.test(last))
    return isSafeKey(second) ? { base, name: second, field: last } : undefined
  if (last === 'total') return { base: levels.slice(0, -1).join('/'), own: last }
  if (second === 'total') return { base, own: `total/${last}` }
  if (levels.length >= 3 && INVERTER_FIELDS.test(last) && isSafeKey(second)) return { base, name: second, field: last }
  if (second === 'alarm') return { base, own: last } // the inverter's log: number of entries, and each
  if (third === 'ctrl' || third === 'setup' || second === 'setup' || third === 'devcontrol') return { base, own: last }
  return OWN_FIELDS.test(last) ? { base: levels.slice(0, -1).join('/'), own: last } : undefined
}

/** One message of MQTT: a number as text (three decimals or exponent), JSON for the few records about the device. */
export function decodeTopic(topic: AhoyTopic, text: string, message: VendorMessage, state: WindowState): Decoded {
  const { receivedAt } = message
  if (topic.name === undefined)
    return topic.own === 'mqtt' ? lastWill(topic.base, text, receivedAt, state) : { readings: [] }
  const { name, field, base } = topic
  const window = windowOf(state, name, receivedAt, WINDOWS)
  putFact(window, 'base', base)
  // What a broker kept for us is of an unknown time. (At our own edge the flag is only the device's wish that it be kept.)
  if (message.retain && message.transport === 'broker') put(window, 'retained', true, receivedAt, WINDOWS)
  if (field === 'firmware') {
    putFact(window, 'firmware', wordsOf(get(tryJson(text), 'version'), 100))
    return { readings: [] }
  }
  if (!/^ch\d$/.test(field)) return takeValue(name, window, field, text, receivedAt)
  const json = parseJson(text)
  if (!isRecord(json)) throw new DecodeError('unknown-format', `${field} without a field is not a JSON object`)
  const rejected: Rejection[] = []
  let last: DecodedReading[] = []
  for (const [key, value] of entriesOf(json).slice(0, 50)) {
    const one = takeValue(name, window, `${field}/${key}`, value, receivedAt)
    if (one.readings.length > 0) last = one.readings
    rejected.push(...(one.rejected ?? []))
  }
  return rejected.length > 0 ? { readings: last, rejected } : { readings: last }
}

function takeValue(name: string, window: DeviceWindow, field: string, raw: unknown, receivedAt: number): Decoded {
  const [channel = '', ch = ''] = field.split('/')
  const kept =
    field === 'available' || field === 'last_success' || (channel === 'ch0' ? isTotalField(ch) : isInputField(ch))
  if (!kept) return { readings: [] }
  const value = numberOf(raw)
  if (value === undefined) return { readings: [] } // an empty payload takes a retained value back
  if (Number.isNaN(value)) {
    const reason = typeof raw === 'string' && /^[+-]?(nan|inf|\d)/i.test(raw.trim()) ? 'out-of-bounds' : 'invalid-field'
    const detail = `${field.slice(0, 60)} of ${name.slice(0, 60)}: ${quote(raw)} is not a number`
    return { readings: [], rejected: [{ reason, detail }] }
  }
  if (field === 'last_success') {
    // The time of the values around it: it precedes them on current firmware. Alone it says nothing new.
    put(window, field, value, receivedAt, WINDOWS)
    return { readings: [] }
  }
  return gather(window, field, value, receivedAt, WINDOWS, (current, rejected) => build(name, current, rejected))
}

function build(name: string, window: DeviceWindow, rejected: Rejection[]): DecodedReading | undefined {
  const fields = Object.keys(window.values).filter((field) => field.includes('/'))
  const available = integerOf(valueIn(window, 'available'))
  const { status, old: gone } = availability(available)
  if (fields.length === 0 && !gone) return undefined
  // A row of a known time must not be replaced by one that says it is old: that one has the time of arrival.
  const success = gone ? undefined : epochMs(valueIn(window, 'last_success'), 's')
  const built = reading(name, timeOfWindow(window, success), rejected)
  // A DTU that has not heard the inverter since it started publishes zeros, which nobody measured.
  if (!gone || fields.some((field) => (finiteOf(valueIn(window, field)) ?? 0) !== 0)) {
    for (const field of fields) {
      const [channel = '', ch = ''] = field.split('/')
      if (channel === 'ch0') putTotal(built, ch, valueIn(window, field))
      else putInput(built, Number(channel.slice(2)) - 1, ch, valueIn(window, field))
    }
    built.onePhase()
  }
  built.status(status).extra('available', available)
  if (gone || valueIn(window, 'retained') === true) built.quality('stale')
  return built.attributes({ kind: 'inverter', name, firmware: window.facts?.firmware }).build()
}

/** `<base>/mqtt` is "not connected" when the DTU vanished: nothing is heard of its inverters any more. */
function lastWill(base: string, text: string, receivedAt: number, state: WindowState): Decoded {
  if (!/^(not connected|disconnected|offline)$/i.test(text.trim())) return { readings: [] }
  const time = { ts: receivedAt, tsSource: 'arrival' } as const
  const names = Object.keys(state.devices).filter((name) => state.devices[name]?.facts?.base === base)
  return { readings: names.map((name) => reading(name, time, []).status('unreachable').build()) }
}
