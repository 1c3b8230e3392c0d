import type { DecodedReading } from '@heliograph/crm-core/contracts'
import type { Rejection } from '../../vendor.ts'
import { finiteOf, integerOf } from '../../vocabulary/number.ts'
import { reading, type ReadingBuilder } from '../../vocabulary/reading.ts'
import { entriesOf, get, isRecord, wordsOf } from '../../vocabulary/shape.ts'
import { opposite } from '../../vocabulary/sign.ts'
import type { ReadingTime } from '../../vocabulary/time.ts'
import { inverterId, type InverterFacts } from './inverter.ts'

const MAX_DEVICES = 100
/** The power flow of a logger has no name of its own. */
export const SITE_DEVICE = 'site'

/** Body of `GetPowerFlowRealtimeData`. */
export const isPowerFlow = (data: unknown): boolean => isRecord(get(data, 'Site')) || isRecord(get(data, 'Inverters'))

/**
 * `GetPowerFlowRealtimeData`: the site, its inverters and meters behind it. `P_Grid` is positive for import and `P_Akku` for
 * discharge, as with us; `P_Load` is negative for consumption. GEN24 has null for day and year energy and a state of charge of 0
 * where there is no battery at all (`Battery_Mode` disabled).
 */
export function powerFlowReadings(
  data: unknown,
  time: ReadingTime,
  facts: Record<string, InverterFacts>,
  rejected: Rejection[],
): DecodedReading[] {
  const readings: DecodedReading[] = []
  const site = get(data, 'Site')
  const inverters = entriesOf(get(data, 'Inverters')).slice(0, MAX_DEVICES)
  if (isRecord(site)) {
    const built = reading(SITE_DEVICE, time, rejected)
      .metric('pv_power_w', site.P_PV)
      .metric('grid_power_w', site.P_Grid)
      .metric('load_power_w', opposite(site.P_Load))
      .metric('battery_power_w', site.P_Akku)
      .metric('energy_day_wh', site.E_Day)
      .metric('energy_total_wh', site.E_Total)
      .extraNumber('E_Year', site.E_Year)
      .extraNumber('rel_Autonomy', site.rel_Autonomy)
      .extraNumber('rel_SelfConsumption', site.rel_SelfConsumption)
      .extra('Mode', site.Mode)
      .extra('Meter_Location', site.Meter_Location)
      .attributes({ kind: 'gateway' })
    const charged = inverters.filter(([, inverter]) => hasBattery(inverter))
    // Several batteries have no common state of charge without their capacities.
    if (charged.length === 1) built.metric('battery_soc_pct', get(charged[0]?.[1], 'SOC'))
    if (built.measured) readings.push(built.build())
  }
  for (const [id, inverter] of inverters) {
    const built = reading(inverterId(id), time, rejected)
      .metric('ac_power_w', get(inverter, 'P'))
      .metric('energy_day_wh', get(inverter, 'E_Day'))
      .metric('energy_total_wh', get(inverter, 'E_Total'))
      .attributes({ kind: 'inverter', ...facts[id] })
    if (hasBattery(inverter))
      built.metric('battery_soc_pct', get(inverter, 'SOC')).extra('Battery_Mode', get(inverter, 'Battery_Mode'))
    if (built.measured) readings.push(built.build())
  }
  for (const [id, meter] of entriesOf(get(data, 'SecondaryMeters')).slice(0, MAX_DEVICES)) {
    const built = reading(`secondary-meter/${id}`, time, rejected).attributes({
      kind: 'meter',
      name: wordsOf(get(meter, 'Label'), 200),
    })
    putByLocation(built, integerOf(get(meter, 'MLoc')), get(meter, 'P'))
    if (built.measured) readings.push(built.extra('Category', get(meter, 'Category')).build())
  }
  for (const kind of ['Ohmpilots', 'OhmpilotEcos']) {
    for (const [id, pilot] of entriesOf(get(data, 'Smartloads', kind)).slice(0, MAX_DEVICES)) {
      const built = reading(`ohmpilot/${id}`, time, rejected)
        .metric('load_power_w', get(pilot, 'P_AC_Total'))
        .extraNumber('Temperature_Channel_1', get(pilot, 'Temperature'))
        .extra('status_text', get(pilot, 'State'))
        .attributes({ kind: 'meter' })
      if (built.measured) readings.push(built.build())
    }
  }
  return readings
}

const hasBattery = (inverter: unknown): boolean =>
  finiteOf(get(inverter, 'SOC')) !== undefined && get(inverter, 'Battery_Mode') !== 'disabled'

/**
 * A meter's power by where it sits: 0 the feed-in point (positive is import), 1 the consumption path and 256 up single loads
 * (negative is consumption), 3 another generator (positive is production).
 */
export function putByLocation(built: ReadingBuilder, location: number | undefined, power: unknown): void {
  if (location === 0 || location === undefined) built.metric('grid_power_w', power)
  else if (location === 3) built.metric('ac_power_w', power)
  else if (location === 1 || location >= 256) built.metric('load_power_w', opposite(power))
  else built.extraNumber('PowerReal_P_Sum', power)
}
