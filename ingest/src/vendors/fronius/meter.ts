import type { DecodedReading } from '@heliograph/crm-core/contracts'
import type { Rejection } from '../../vendor.ts'
import { finiteOf, integerOf } from '../../vocabulary/number.ts'
import { reading } from '../../vocabulary/reading.ts'
import { entriesOf, get, isRecord, wordsOf } from '../../vocabulary/shape.ts'
import type { ReadingTime } from '../../vocabulary/time.ts'
import { putByLocation } from './site.ts'

const MAX_DEVICES = 100

/** The same channel under the names of the Datamanager and of early GEN24 firmware; `#` is the phase. */
const NAMES = {
  power: ['PowerReal_P_Sum', 'SMARTMETER_POWERACTIVE_MEAN_SUM_F64'],
  consumed: [
    'EnergyReal_WAC_Sum_Consumed',
    'EnergyReal_WAC_Plus_Absolute',
    'SMARTMETER_ENERGYACTIVE_CONSUMED_SUM_F64',
    'SMARTMETER_ENERGYACTIVE_ABSOLUT_PLUS_F64',
  ],
  produced: [
    'EnergyReal_WAC_Sum_Produced',
    'EnergyReal_WAC_Minus_Absolute',
    'SMARTMETER_ENERGYACTIVE_PRODUCED_SUM_F64',
    'SMARTMETER_ENERGYACTIVE_ABSOLUT_MINUS_F64',
  ],
  frequency: ['Frequency_Phase_Average', 'GRID_FREQUENCY_MEAN_F32'],
  factor: ['PowerFactor_Sum', 'SMARTMETER_FACTOR_POWER_SUM_F64'],
  reactive: ['PowerReactive_Q_Sum', 'SMARTMETER_POWERREACTIVE_MEAN_SUM_F64'],
  location: ['Meter_Location_Current', 'SMARTMETER_VALUE_LOCATION_U16'],
  voltage: ['Voltage_AC_Phase_#', 'SMARTMETER_VOLTAGE_0#_F64', 'SMARTMETER_VOLTAGE_MEAN_0#_F64'],
  current: ['Current_AC_Phase_#', 'SMARTMETER_CURRENT_0#_F64', 'ACBRIDGE_CURRENT_ACTIVE_MEAN_0#_F32'],
  phase: ['PowerReal_P_Phase_#', 'SMARTMETER_POWERACTIVE_0#_F64', 'SMARTMETER_POWERACTIVE_MEAN_0#_F64'],
} as const

const pick = (meter: unknown, name: keyof typeof NAMES, phase = ''): unknown =>
  NAMES[name].map((key) => get(meter, key.replace('#', phase))).find((value) => value !== undefined && value !== null)

const isMeter = (value: unknown): boolean => pick(value, 'power') !== undefined || pick(value, 'consumed') !== undefined
const isOhmpilot = (value: unknown): boolean =>
  get(value, 'PowerReal_PAC_Sum') !== undefined || get(value, 'CodeOfState') !== undefined
const isStorage = (value: unknown): boolean => isRecord(get(value, 'Controller'))

/** Devices of a body: keyed by number with scope System, the data itself with scope Device. */
const devicesOf = (data: unknown, is: (value: unknown) => boolean, id: string | undefined): [string, unknown][] =>
  is(data)
    ? [[id ?? '0', data]]
    : entriesOf(data)
        .filter(([, value]) => is(value))
        .slice(0, MAX_DEVICES)

export const isMeterData = (data: unknown): boolean =>
  isMeter(data) || entriesOf(data).some(([, value]) => isMeter(value))
export const isOhmpilotData = (data: unknown): boolean =>
  isOhmpilot(data) || entriesOf(data).some(([, value]) => isOhmpilot(value))
export const isStorageData = (data: unknown): boolean =>
  isStorage(data) || entriesOf(data).some(([, value]) => isStorage(value))

/** S0 counters have no serial of their own and say `n.a.`. */
function serialOf(value: unknown): string | undefined {
  const serial = wordsOf(get(value, 'Details', 'Serial'), 60)
  return serial === undefined || /^n\.?\/?a\.?$/i.test(serial) ? undefined : serial
}
/** Device names are those of the datalogger push (`meter:<serial>`), so that one meter is one device however it is read. */
const named = (kind: string, value: unknown, id: string) => `${kind}:${serialOf(value) ?? id}`
const detailsOf = (value: unknown) => ({ serial: serialOf(value), model: wordsOf(get(value, 'Details', 'Model'), 100) })

/**
 * `GetMeterRealtimeData`: power positive for import at the feed-in point. Energy consumed is taken from the grid, produced is
 * given to it; the two are told apart for feed-in meters only, elsewhere their direction depends on how the meter is wired.
 */
export function meterReadings(
  data: unknown,
  id: string | undefined,
  time: ReadingTime,
  rejected: Rejection[],
): DecodedReading[] {
  const readings: DecodedReading[] = []
  for (const [key, meter] of devicesOf(data, isMeter, id)) {
    const location = integerOf(pick(meter, 'location'))
    const built = reading(named('meter', meter, key), time, rejected)
      .metric('frequency_hz', pick(meter, 'frequency'))
      .metric('power_factor', pick(meter, 'factor'))
      .metric('reactive_power_var', pick(meter, 'reactive'))
      .extra('Meter_Location_Current', location)
      .attributes({ kind: 'meter', ...detailsOf(meter) })
    putByLocation(built, location, pick(meter, 'power'))
    if (location === 0 || location === undefined) {
      built.metric('import_total_wh', pick(meter, 'consumed')).metric('export_total_wh', pick(meter, 'produced'))
    } else {
      built.extraNumber('EnergyReal_WAC_Sum_Consumed', pick(meter, 'consumed'))
      built.extraNumber('EnergyReal_WAC_Sum_Produced', pick(meter, 'produced'))
    }
    for (const phase of ['1', '2', '3']) {
      built.ac(Number(phase) - 1, {
        voltage_v: pick(meter, 'voltage', phase),
        current_a: pick(meter, 'current', phase),
        power_w: pick(meter, 'phase', phase),
      })
    }
    if (built.measured) readings.push(built.build())
  }
  return readings
}

/**
 * `GetStorageRealtimeData`. Volts and amperes of the battery are kept as its one DC channel; its power is told by the power flow
 * (`P_Akku`), since the sign of the current differs between makes.
 */
export function storageReadings(
  data: unknown,
  id: string | undefined,
  time: ReadingTime,
  rejected: Rejection[],
): DecodedReading[] {
  const readings: DecodedReading[] = []
  for (const [key, storage] of devicesOf(data, isStorage, id)) {
    const controller = get(storage, 'Controller')
    const built = reading(named('storage', controller, key), time, rejected)
      .metric('battery_soc_pct', get(controller, 'StateOfCharge_Relative'))
      .dc(0, { voltage_v: get(controller, 'Voltage_DC'), current_a: get(controller, 'Current_DC') })
      .extraNumber('Temperature_Cell', get(controller, 'Temperature_Cell'))
      .extraNumber('Capacity_Maximum', get(controller, 'Capacity_Maximum'))
      .extraNumber('DesignedCapacity', get(controller, 'DesignedCapacity'))
      .extraNumber('Status_BatteryCell', get(controller, 'Status_BatteryCell'))
      .attributes({ kind: 'battery', ...detailsOf(controller) })
    const cycles = entriesOf(Object.assign({}, get(storage, 'Modules')))
      .map(([, module]) => finiteOf(get(module, 'CycleCount_BatteryCell')))
      .filter((count) => count !== undefined)
    if (cycles.length > 0) built.extra('CycleCount_BatteryCell', Math.max(...cycles))
    if (built.measured) readings.push(built.build())
  }
  return readings
}

/** `GetOhmPilotRealtimeData`: a heater that uses up surplus. */
export function ohmpilotReadings(
  data: unknown,
  id: string | undefined,
  time: ReadingTime,
  rejected: Rejection[],
): DecodedReading[] {
  const readings: DecodedReading[] = []
  for (const [key, pilot] of devicesOf(data, isOhmpilot, id)) {
    const built = reading(named('ohmpilot', pilot, key), time, rejected)
      .metric('load_power_w', get(pilot, 'PowerReal_PAC_Sum'))
      .metric('import_total_wh', get(pilot, 'EnergyReal_WAC_Sum_Consumed'))
      .extraNumber('Temperature_Channel_1', get(pilot, 'Temperature_Channel_1'))
      .extra('status_code', integerOf(get(pilot, 'CodeOfState')))
      .attributes({ kind: 'meter', ...detailsOf(pilot) })
    const [state, error] = [integerOf(get(pilot, 'CodeOfState')), integerOf(get(pilot, 'CodeOfError'))]
    if (state === 3 || state === 4) built.status('fault')
    if (error === 0) built.noFault()
    else if (error !== undefined && error > 0) built.fault(error, undefined, 'major')
    if (built.measured) readings.push(built.build())
  }
  return readings
}
