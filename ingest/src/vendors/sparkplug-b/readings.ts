import type { DecodedReading, DeviceAttributes, DeviceStatus } from '@heliograph/crm-core/contracts'
import type { Rejection, VendorMessage } from '../../vendor.ts'
import {
  ampereFactor,
  celsiusOf,
  deviceTime,
  epochMs,
  isFahrenheit,
  reading,
  type ReadingBuilder,
  type ReadingTime,
  unitFactor,
  voltFactor,
  wordsOf,
} from '../../vocabulary/index.ts'
import { meaningOf, type Named } from './names.ts'
import { plainValue, type SparkplugMetric, type SparkplugPayload } from './payload.ts'

/** A metric that knows its name, type and unit, from its birth. */
export interface KnownMetric {
  metric: SparkplugMetric
  name: string
  datatype: number | undefined
  unit: string | undefined
}

// Names come again with every message and are few; the cache only saves time, so losing it is harmless.
const meanings = new Map<string, Named>()
function cachedMeaning(name: string): Named {
  let named = meanings.get(name)
  if (!named) {
    if (meanings.size >= 5000) meanings.clear()
    named = meaningOf(name)
    meanings.set(name, named)
  }
  return named
}

/**
 * Readings of one message of one device. Its time is the payload's: metrics carry the time of their own last change, which in a
 * birth may be hours ago. Only history sent later (`is_historical`), and what has no other time, stands at its own times. Inputs are not added up: data messages carry
 * what changed, and half a sum is a wrong value.
 */
export function readDevice(
  device: string,
  metrics: KnownMetric[],
  payload: SparkplugPayload,
  message: VendorMessage,
  attributes: DeviceAttributes,
  rejected: Rejection[],
): DecodedReading[] {
  const time = deviceTime(epochMs(payload.timestamp, 'ms'), message)
  const builders = new Map<string, ReadingBuilder>()
  const telling = new Set<ReadingBuilder>()
  for (const known of metrics) {
    const apart = known.metric.historical || time.tsSource === 'arrival'
    const at = apart ? epochMs(known.metric.timestamp, 'ms') : undefined
    const own: ReadingTime = at === undefined ? time : { ts: at, tsSource: 'device' }
    const key = `${own.ts}`
    let built = builders.get(key)
    if (!built) builders.set(key, (built = reading(device, own, rejected)))
    if (putMetric(built, known)) telling.add(built)
  }
  return [...builders.values()]
    .filter((built) => telling.has(built) || built.isTelling)
    .map((built) => built.attributes(attributes).build())
}

/** Puts one metric in. Returns whether it is a number kept under its own name: that alone makes a reading worth a row. */
function putMetric(built: ReadingBuilder, { metric, name, datatype, unit }: KnownMetric): boolean {
  if (metric.isNull || metric.quality === 0) return false
  const value = plainValue(metric.value, metric.datatype ?? datatype)
  if (value === undefined) return false
  if (metric.quality === 500) built.quality('stale')
  const { meaning, unit: unitInName } = cachedMeaning(name)
  const given = unit ?? unitInName ?? ''
  switch (meaning.kind) {
    case 'control':
    case 'serial':
    case 'model':
    case 'firmware':
      return false
    case 'metric': {
      if (typeof value === 'boolean') break
      if (isFahrenheit(given) && typeof value === 'number' && meaning.metric.endsWith('_temp_c')) {
        built.metric(meaning.metric, celsiusOf(value))
        return false
      }
      const factor = unitFactor(given, meaning.metric)
      // A unit that does not fit says that the name means something else than we think.
      if (factor === undefined) break
      built.metric(meaning.metric, value, factor * meaning.sign)
      return false
    }
    case 'channel': {
      const { side, index, quantity } = meaning
      const factor =
        quantity === 'voltage_v'
          ? voltFactor(given)
          : quantity === 'current_a'
            ? ampereFactor(given)
            : unitFactor(given, 'ac_power_w')
      if (factor === undefined || typeof value === 'boolean') break
      built[side](index, { [quantity]: value }, { [quantity]: factor })
      return false
    }
    case 'status':
      if (typeof value === 'string') built.status(statusOf(value)).extra('status_text', value)
      else built.extra('status_code', value)
      return false
    case 'fault':
      putFault(built, value)
      return false
    case 'unknown':
  }
  built.extra(name.slice(0, 100), value)
  return typeof value === 'number'
}

function putFault(built: ReadingBuilder, value: number | string | boolean): void {
  built.noFault()
  if (value === false || value === 0 || value === '') return
  if (value === true) built.fault('fault')
  else if (typeof value === 'number') built.fault(value)
  else if (!/^(0|none|ok|no (fault|error|alarm)s?)$/i.test(value.trim())) built.fault(value.slice(0, 64), value)
}

const STATUS_WORDS: readonly (readonly [RegExp, DeviceStatus])[] = [
  [/fault|error|alarm|fail/i, 'fault'],
  [/offline|unreachable|disconnect|comm(unication)? (lost|fail)/i, 'unreachable'],
  [/throttl|derat|curtail|limit/i, 'throttled'],
  [/start|boot|initiali[sz]|connecting|sync/i, 'starting'],
  [/sleep|night/i, 'sleeping'],
  [/standby|stand-by|idle|wait|ready/i, 'standby'],
  [/produc|running|run\b|mppt|on.?grid|generat|feed|normal|operat|^on$|^ok$/i, 'producing'],
  [/off|stop|shut/i, 'off'],
]
const statusOf = (text: string): DeviceStatus | undefined => STATUS_WORDS.find(([pattern]) => pattern.test(text))?.[1]

/** Facts that a birth tells beside its values. */
export function factsOf(metrics: KnownMetric[]): Pick<DeviceAttributes, 'serial' | 'model' | 'firmware'> {
  const facts: Pick<DeviceAttributes, 'serial' | 'model' | 'firmware'> = {}
  for (const { metric, name, datatype } of metrics) {
    const { kind } = cachedMeaning(name).meaning
    if (kind !== 'serial' && kind !== 'model' && kind !== 'firmware') continue
    const value = plainValue(metric.value, metric.datatype ?? datatype)
    const text = wordsOf(value, 100)
    if (text !== undefined) facts[kind] = text
  }
  return facts
}
