import type { DecodedReading } from '@heliograph/crm-core/contracts'
import { type Decoded, DecodeError, defineVendor, type Rejection, type VendorMessage } from '../vendor.ts'
import { gathered } from '../vocabulary/envelope.ts'
import { jsonOf } from '../vocabulary/json.ts'
import { joinInstant, type LastReadings } from '../vocabulary/merge.ts'
import { limited } from '../vocabulary/rejections.ts'
import { get, isRecord, parseShape, wordsOf } from '../vocabulary/shape.ts'
import { timeOf } from '../vocabulary/time.ts'
import { z } from 'zod'
import { intervalDevices, intervalReadings } from './fronius/intervals.ts'
import { inverterReadings, isInverterData, rememberInverters, type InverterFacts } from './fronius/inverter.ts'
import {
  isMeterData,
  isOhmpilotData,
  isStorageData,
  meterReadings,
  ohmpilotReadings,
  storageReadings,
} from './fronius/meter.ts'
import { flowReading, historyReadings, isCatalogue, isFlowData, isHistory } from './fronius/cloud.ts'
import { isSensorData, sensorReadings } from './fronius/sensor.ts'
import { isPowerFlow, powerFlowReadings } from './fronius/site.ts'

/** Every body of the Solar API and of the push service has these two parts; what is in them varies. */
const envelope = z.looseObject({
  Head: z.looseObject({ Timestamp: z.string().max(60).optional(), RequestArguments: z.unknown(), Status: z.unknown() }),
  Body: z.looseObject({}),
})

interface FroniusState {
  /** By the inverter's number. */
  inverters: Record<string, InverterFacts>
  last: LastReadings
}

/**
 * Fronius: datalogger push service, Solar API v1 (and v0) answers of Datamanager and GEN24, archive answers.
 * Shapes: Fronius Solar API V1 (operating instructions 42,0410,2012) and the recorded bodies in the fixtures.
 */
export const fronius = defineVendor<FroniusState>({
  id: 'fronius',
  name: 'Fronius',
  transports: ['webhook', 'http', 'mqtt', 'poll'],
  initialState: () => ({ inverters: {}, last: {} }),
  decode: decodeFronius,
  guide: [
    'On the page of the Datamanager open Settings > Push Service and add a service of type "Solar API v1 - Log Data - Data" (JSON over HTTP POST).',
    'Enter the webhook address of this connection as server, port and path, the interval, and the user name and password shown.',
    'Repeat for "Current Data - Powerflow" if live values are wanted; the same address takes all of them.',
    'GEN24 inverters have no push service: let a bridge on site read /solar_api/v1/GetPowerFlowRealtimeData.fcgi and GetInverterRealtimeData.cgi and forward the answers.',
  ],
  paste: [
    {
      label: 'Settings, Push Service',
      transport: 'webhook',
      scheme: 'basic',
      text: ['Server       %server%', 'File name    %path%', 'Log in       %user%', 'Password     %secret%'].join('\n'),
    },
  ],
})

function decodeFronius(message: VendorMessage, state: FroniusState): Decoded {
  const json = jsonOf(message.body)
  const again = (each: VendorMessage) => decodeFronius(each, state)
  const inner = gathered(json, message, again, (list) => list.every((item) => isRecord(get(item, 'Head'))))
  if (inner) return inner
  if (isRecord(json) && isFlowData(json)) {
    const told: Rejection[] = []
    return { readings: flowReading(json, message, told), rejected: told }
  }
  if (isRecord(json) && isHistory(json)) {
    const told: Rejection[] = []
    return { readings: historyReadings(json, message, told), rejected: limited(told) }
  }
  if (isRecord(json) && isCatalogue(json)) return { readings: [] }
  if (isRecord(json) && json.APIVersion !== undefined) return { readings: [] } // GetAPIVersion
  if (!isRecord(json) || !isRecord(json.Head) || !isRecord(json.Body)) {
    throw new DecodeError(
      'unknown-format',
      'neither an answer of the Solar API nor a body of the push service: Head and Body expected',
    )
  }
  const { Head: head, Body: body } = parseShape(envelope, json)
  const rejected: Rejection[] = []

  // Archive answers have one level more than the push of the same values.
  const devices = [...intervalDevices(body), ...intervalDevices(body.Data)]
  if (devices.length > 0) {
    const daily = get(head.RequestArguments, 'SeriesType') === 'DailySum'
    return {
      readings: intervalReadings(
        devices,
        daily,
        message.timezone,
        timeOf(head.Timestamp, message).ts,
        state.inverters,
        rejected,
      ),
      rejected: limited(rejected),
    }
  }

  // The push service sends the same objects as the API without `Data` around them.
  const data = isRecord(body.Data) ? body.Data : body
  // Version 0 of the API calls it an index.
  const names = ['DeviceId', 'DeviceID', 'DeviceIndex']
  const id = wordsOf(
    names.map((name) => get(head.RequestArguments, name)).find((one) => one !== undefined),
    20,
  )
  const time = timeOf(head.Timestamp, message)
  const readings: DecodedReading[] = []
  if (isPowerFlow(data)) readings.push(...powerFlowReadings(data, time, state.inverters, rejected))
  else if (isStorageData(data)) readings.push(...storageReadings(data, id, time, rejected))
  else if (isOhmpilotData(data)) readings.push(...ohmpilotReadings(data, id, time, rejected))
  else if (isMeterData(data)) readings.push(...meterReadings(data, id, time, rejected))
  else if (isSensorData(data)) readings.push(...sensorReadings(data, id, head.RequestArguments, time, rejected))
  else if (isInverterData(data)) readings.push(...inverterReadings(data, id, time, state.inverters, rejected))
  else if (Object.values(data).some((entry) => get(entry, 'UniqueID') !== undefined))
    rememberInverters(data, state.inverters)
  // What is left tells of the logger, its lights or its list of devices, or is an error of the logger: nothing measured.
  return { readings: readings.map((built) => joinInstant(state.last, built)), rejected: limited(rejected) }
}
