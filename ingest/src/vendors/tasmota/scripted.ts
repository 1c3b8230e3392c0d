import { entriesOf, type ReadingBuilder } from '../../vocabulary/index.ts'

/**
 * Optical heads on utility meters (smart meter interface): the owner names the fields in a script. These are the names of the
 * published scripts, in several languages, and the numbers of OBIS (1.8.0 is taken, 2.8.0 is given, 16.7.0 is the power).
 */
const IMPORT =
  /^(e_?|energy_|total_?|kwh_?|counter_|zaehler_|dj_tpwr|tpwr)?(in|import|imp|bezug|netzbezug|bezogen|consumed|consumption|verbrauch|afname|soutirage)(_total|_gesamt|_kwh|_sum)?$|^(total_kwh|total_consumption|gesamt(verbrauch|bezug)|verbrauch_(summe|gesamt)|zaehlerstand(_bezug)?)$|^(1[-_]0[:_])?1[._]?8[._]?0(_kwh)?$/i
const EXPORT =
  /^(e_?|energy_|total_?|kwh_?|counter_|zaehler_|dj_tpwr|tpwr)?(out|export|exp|einspeisung|eingespeist|returned|delivered|lieferung|teruglevering|injection)(_total|_gesamt|_kwh|_sum)?$|^(gesamteinspeisung|einspeisung_(summe|gesamt)|zaehlerstand_einspeisung)$|^(1[-_]0[:_])?2[._]?8[._]?0(_kwh)?$/i
const POWER =
  /^(power|power_?curr?|power_cur|power_in|power_(total|sum|act|active|now)|power_total_in|curr?_?(w|power)|act_power|p|p_total|w|watt|watts|leistung|(aktuelle|momentan|gesamt|wirk)_?leistung|leistung_(aktuell|gesamt|summe)|puissance|vermogen|dj_tpwrcurr|tpwrcurr)$|^(1[-_]0[:_])?16[._]?7[._]?0(_w)?$/i
const FREQUENCY = /^(hz|freq|frequency|frequenz|netzfrequenz)$|^(1[-_]0[:_])?14[._]?7[._]?0$/i
const PHASES: readonly (readonly ['voltage_v' | 'current_a' | 'power_w', RegExp])[] = [
  ['voltage_v', /^(?:volt|voltage|volts|u|spannung)_?(?:p|l|phase_?)?([123])$|^l([123])_(?:volt|voltage|u|spannung)$/i],
  [
    'current_a',
    /^(?:amp|amps|amperage|current|curr|i|strom)_?(?:p|l|phase_?)?([123])$|^l([123])_(?:amp|current|i|strom)$/i,
  ],
  ['power_w', /^(?:power|pwr|watt|leistung)_?(?:p|l|phase_?)?([123])$|^l([123])_(?:power|watt|leistung)$/i],
]
const METER_NAME = /sml|meter|z(ae|ä)hler|strom|obis|grid|netz/i

export function putScriptedMeter(built: ReadingBuilder, name: string, sensor: unknown): void {
  const fields = entriesOf(sensor)
  const counts = fields.some(([key]) => IMPORT.test(key) || EXPORT.test(key))
  if (!counts && !(METER_NAME.test(name) && fields.some(([key]) => POWER.test(key)))) return
  for (const [key, value] of fields) {
    if (typeof value === 'object') continue
    if (IMPORT.test(key)) built.metric('import_total_wh', value, 1000)
    else if (EXPORT.test(key)) built.metric('export_total_wh', value, 1000)
    else if (POWER.test(key)) built.metric('grid_power_w', value)
    else if (FREQUENCY.test(key)) built.metric('frequency_hz', value)
    else if (!putPhase(built, key, value)) built.extraNumber(`${name}_${key}`, value)
  }
}

function putPhase(built: ReadingBuilder, key: string, value: unknown): boolean {
  for (const [quantity, pattern] of PHASES) {
    const match = pattern.exec(key)
    if (!match) continue
    built.ac(Number(match[1] ?? match[2]) - 1, { [quantity]: value })
    return true
  }
  return false
}
