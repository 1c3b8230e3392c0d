import type { DecodedReading, DeviceStatus } from '@heliograph/crm-core/contracts'
import { DecodeError, defineVendor, type Rejection, type VendorMessage } from '../vendor.ts'
import {
  deviceTime,
  finiteOf,
  get,
  integerOf,
  isRecord,
  jsonOf,
  quote,
  reading,
  type ReadingBuilder,
  textMs,
  tryJson,
  wordsOf,
} from '../vocabulary/index.ts'
import { opposite } from '../vocabulary/sign.ts'
import { limited } from '../vocabulary/rejections.ts'
import { errorFault, protectionFault } from './growatt/faults.ts'
import { grottReading, isGrott } from './growatt/grott.ts'

const MAX_RECORDS = 5000
const MAX_BATTERIES = 40

/**
 * Growatt: the device push of the open API (`dataType: dfcData`), the same record as the answer to a query, and the local relay
 * of data logger records.
 */
export const growatt = defineVendor({
  id: 'growatt',
  name: 'Growatt',
  transports: ['webhook', 'http', 'mqtt', 'poll'],
  topics: ['energy/growatt'],
  decode(message) {
    const json = jsonOf(message.body)
    if (!isRecord(json)) throw new DecodeError('unknown-format', 'an object expected')
    const rejected: Rejection[] = []
    if (isGrott(json)) return { readings: grottReading(json, message, rejected), rejected }
    const records = recordsOf(json)
    if (records === undefined) {
      if (isQuiet(json)) return { readings: [] }
      throw new DecodeError('unknown-format', 'neither a device push nor an answer of the open API')
    }
    const readings = records
      .slice(0, MAX_RECORDS)
      .flatMap(([record, serial]) => recordReading(record, serial, message, rejected))
    return { readings, rejected: limited(rejected) }
  },
  guide: [
    'Ask Growatt to register the webhook address of this connection as the push URL of your open API account.',
    'Authorise each device for the account with its serial number and PIN (device authorisation of the open API).',
    'The push is answered at once and repeated when it was not; repeated bodies do no harm.',
    'Data loggers behind a local relay (Grott) can publish their records by MQTT to energy/growatt with the user name and secret of this connection.',
  ],
})

const LIVE_KEYS = ['pac', 'ppv', 'batPower', 'payLoadPower', 'meterPower', 'utcTime'] as const
const isRecordOfDevice = (value: unknown): value is Record<string, unknown> =>
  isRecord(value) && LIVE_KEYS.some((key) => Object.hasOwn(value, key))

/** Records with the serial that stands above them: the push and the query have one, history a list under one serial. */
function recordsOf(json: Record<string, unknown>): [Record<string, unknown>, string | undefined][] | undefined {
  // Some answers carry the record as JSON inside a text.
  const data = typeof json.data === 'string' ? tryJson(json.data) : json.data
  if (isRecordOfDevice(data)) return [[data, undefined]]
  if (isRecordOfDevice(json)) return [[json, undefined]]
  const lists = Array.isArray(data) ? data : get(data, 'list')
  if (Array.isArray(lists) && (lists as unknown[]).some(isRecordOfDevice)) {
    const serial = wordsOf(get(data, 'deviceSn'), 60)
    return (lists as unknown[]).filter(isRecordOfDevice).map((record) => [record, serial])
  }
  return undefined
}

/** Answers and requests without measurements: sign-in, authorisations, device information, settings, daily sums, errors. */
function isQuiet(json: Record<string, unknown>): boolean {
  if (
    ['code', 'access_token', 'grant_type', 'deviceSnList', 'deviceSn', 'refresh_token', 'error'].some((key) =>
      Object.hasOwn(json, key),
    )
  )
    return true
  // Descriptions of data logger records: where which field stands.
  return Object.entries(json).some(([key, value]) => /^T\d{2}\w+$/.test(key) && get(value, 'decrypt') !== undefined)
}

/**
 * One record. W, V, Hz and kWh; `utcTime` is UTC without a mark. `meterPower` is positive for import; `batPower` is positive while
 * charging, opposite to ours. Older records have `activePower` (from the grid) and `reverActivePower` (to it) instead of the meter.
 */
function recordReading(
  record: Record<string, unknown>,
  listed: string | undefined,
  message: VendorMessage,
  rejected: Rejection[],
): DecodedReading[] {
  const serial = wordsOf(record.deviceSn, 60) ?? listed
  if (serial === undefined) {
    rejected.push({ reason: 'invalid-field', detail: `deviceSn: ${quote(record.deviceSn)}, expected a serial number` })
    return []
  }
  const built = reading(serial, deviceTime(textMs(record.utcTime, 'UTC'), message), rejected)
    .metric('ac_power_w', record.pac)
    .metric('pv_power_w', record.ppv)
    .metric('load_power_w', record.payLoadPower)
    .metric('battery_power_w', opposite(record.batPower))
    .metric('battery_soc_pct', record.soc)
    .metric('frequency_hz', record.fac)
    .metric('reactive_power_var', record.reactivePower)
    .metric('energy_total_wh', record.epvTotal, 1000)
    .metric('energy_day_wh', record.epvToday, 1000)
    .metric('import_total_wh', record.etoUserTotal, 1000)
    .metric('export_total_wh', record.etoGridTotal, 1000)
    .attributes({ kind: 'inverter', serial })
  if (record.meterPower !== undefined && record.meterPower !== null) built.metric('grid_power_w', record.meterPower)
  else putGrid(built, finiteOf(record.activePower), finiteOf(record.reverActivePower))
  for (let i = 0; i < 3; i++) built.ac(i, { voltage_v: record[`vac${i + 1}`] })
  for (let i = 0; i < 8; i++)
    built.dc(i, { voltage_v: record[`vpv${i + 1}`], current_a: record[`ipv${i + 1}`], power_w: record[`ppv${i + 1}`] })
  built
    .extraNumber('etoUserToday_wh', record.etoUserToday, 1000)
    .extraNumber('etoGridToday_wh', record.etoGridToday, 1000)
  for (const name of ['backupPower', 'pexPower', 'genPower', 'smartLoadPower', 'priority', 'batteryStatus'])
    built.extraNumber(name, record[name])
  const batteries = Array.isArray(record.batteryList) ? (record.batteryList as unknown[]).slice(0, MAX_BATTERIES) : []
  for (const battery of batteries.slice(0, 4)) {
    const name = `battery${integerOf(get(battery, 'index')) ?? ''}`
    built
      .extraNumber(`${name}_vbat`, get(battery, 'vbat'))
      .extraNumber(`${name}_ibat`, get(battery, 'ibat'))
      .extraNumber(`${name}_soh`, get(battery, 'soh'))
  }
  const measured = built.measured
  putState(built, record)
  const done = built.build()
  return measured || done.status !== undefined ? [done] : []
}

function putGrid(built: ReadingBuilder, from: number | undefined, to: number | undefined): void {
  if (from !== undefined || to !== undefined) built.metric('grid_power_w', (from ?? 0) - (to ?? 0))
}

/** Device operation status; 5 to 8 tell which of PV and battery are on and whether there is a grid, so power decides. */
const STATUS: Readonly<Record<number, DeviceStatus>> = {
  0: 'standby',
  1: 'starting',
  3: 'fault',
  4: 'standby',
  9: 'standby',
}
const STATUS_TEXT: Readonly<Record<number, string>> = {
  0: 'Standby',
  1: 'Self-test',
  3: 'Fault',
  4: 'Upgrade',
  5: 'PV on, battery off, on grid',
  6: 'Battery on, on grid',
  7: 'PV and battery on, off grid',
  8: 'Battery on, PV off, off grid',
  9: 'Bypass',
}
function putState(built: ReadingBuilder, record: Record<string, unknown>): void {
  const status = integerOf(record.status)
  if (status !== undefined) {
    const delivers = (finiteOf(record.pac) ?? 0) > 0 || (finiteOf(record.ppv) ?? 0) > 0
    const running = status >= 5 && status <= 8 ? (delivers ? 'producing' : 'standby') : undefined
    built.status(running ?? (Object.hasOwn(STATUS, status) ? STATUS[status] : undefined))
    built
      .extra('status_code', status)
      .extra('status_text', Object.hasOwn(STATUS_TEXT, status) ? STATUS_TEXT[status] : undefined)
  }
  const error = integerOf(record.faultCode)
  const protection = integerOf(record.protectCode)
  if (error !== undefined && error > 0) {
    const { code, text, severity } = errorFault(error, integerOf(record.faultSubCode))
    built.fault(code, text, severity)
  }
  if (protection !== undefined && protection > 0) {
    const { code, text, severity } = protectionFault(protection, integerOf(record.protectSubCode))
    built.fault(code, text, severity)
  }
  if (error === 0 && (protection ?? 0) === 0) built.noFault()
}
