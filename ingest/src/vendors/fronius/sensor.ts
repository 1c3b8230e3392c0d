import type { DecodedReading } from '@heliograph/crm-core/contracts'
import type { Rejection } from '../../vendor.ts'
import { reading } from '../../vocabulary/reading.ts'
import { entriesOf, get, isRecord, wordsOf } from '../../vocabulary/shape.ts'
import type { ReadingTime } from '../../vocabulary/time.ts'

const MAX_DEVICES = 100

/** Channels of a card by number, each a value with its unit; newer firmware says whether a sensor is connected. */
const isChannels = (value: unknown): boolean => {
  const channels = entriesOf(value)
  return (
    channels.length > 0 &&
    channels.every(([key, channel]) => /^\d{1,3}$/.test(key) && isRecord(channel)) &&
    channels.some(
      ([, channel]) => get(channel, 'SensorActive') !== undefined || Object.hasOwn(Object(channel), 'Value'),
    )
  )
}
const cardsOf = (data: unknown, id: string | undefined): [string, unknown][] =>
  isChannels(data) ? [[id ?? '1', data]] : entriesOf(data).filter(([, value]) => isChannels(value))

export const isSensorData = (data: unknown): boolean => cardsOf(data, undefined).length > 0

/**
 * `GetSensorRealtimeData` (NowSensorData) and `GetStringRealtimeData`: channels by number with a unit. Irradiance and wind are known by
 * their unit; which of the temperatures is the module's is up to the installer, so they are kept under their channel. A card
 * may measure a current as well; a string control measures nothing else, one channel a string.
 */
export function sensorReadings(
  data: unknown,
  id: string | undefined,
  request: unknown,
  time: ReadingTime,
  rejected: Rejection[],
): DecodedReading[] {
  const collection = wordsOf(get(request, 'DataCollection'), 60) ?? ''
  const strings = get(request, 'DeviceClass') === 'StringControl' || collection.includes('StringControl')
  // Sums of currents over a day and the like are no currents.
  if (strings && collection !== '' && collection !== 'NowStringControlData') return []
  const readings: DecodedReading[] = []
  for (const [key, card] of cardsOf(data, id).slice(0, MAX_DEVICES)) {
    const channels = entriesOf(card).slice(0, 64)
    const built = reading(`${strings ? 'stringcontrol' : 'sensorcard'}/${key}`, time, rejected)
    if (!strings) built.attributes({ kind: 'weather' })
    const first = Math.min(...channels.map(([channel]) => Number(channel)))
    for (const [channel, entry] of channels) {
      if (get(entry, 'SensorActive') === false) continue
      const unit = wordsOf(get(entry, 'Unit'), 10) ?? ''
      const value = get(entry, 'Value')
      if (strings) built.dc(Number(channel) - first, { current_a: value })
      else if (unit === 'W/m²' || unit === 'W/m2') built.metric('irradiance_wm2', value)
      else if (unit === 'm/s') built.metric('wind_ms', value)
      else if (unit === 'km/h') built.metric('wind_ms', value, 1 / 3.6)
      else built.extraNumber(`channel_${channel}`, value)
    }
    const done = built.build()
    if (built.measured || done.extra) readings.push(done)
  }
  return readings
}
