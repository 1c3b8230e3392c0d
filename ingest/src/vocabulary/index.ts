/**
 * The words decoders are written in: bytes to JSON with limits, numbers from text, units, times, checked readings, and windows
 * for publishers of one value per message. A vendor's file imports from here and from `../vendor.ts` only.
 */
export { forwarded, gathered, inBatch, unwrap } from './envelope.ts'
export { jsonOf, MAX_BODY_BYTES, parseJson, textOf, tryJson } from './json.ts'
export { joinInstant, type LastReadings } from './merge.ts'
export { finiteOf, flagOf, integerOf, numberOf, roundTo, scale } from './number.ts'
export { MAX_CHANNELS, type RawChannel, reading, ReadingBuilder } from './reading.ts'
export { entriesOf, firstIssue, get, isRecord, parseShape, quote, wordsOf } from './shape.ts'
export { arrival, deviceTime, epochMs, type ReadingTime, textMs, timeOf } from './time.ts'
export { levelsOf } from './topic.ts'
export { ampereFactor, celsiusOf, isFahrenheit, unitFactor, voltFactor } from './units.ts'
export {
  type DeviceWindow,
  emptyWindows,
  forget,
  gather,
  isSafeKey,
  put,
  putFact,
  timeOfWindow,
  valueIn,
  windowOf,
  type WindowOptions,
  type WindowState,
  type WindowValue,
} from './windows.ts'
