import { entriesOf, isRecord, numberOf, type ReadingBuilder } from '../../vocabulary/index.ts'

/**
 * Optical heads on utility meters (smart meter interface): the owner names the fields in a script. These are the names of the
 * published scripts, in several languages, and the numbers of OBIS (1.8.0 is taken, 2.8.0 is given, 16.7.0 is the power). Names
 * are compared in lower case, with one separator: see `plain`.
 */
const IMPORT =
  /^(e_?|energy_|total_?|power_total_|kwh_?|counter_|zaehler_|dj_tpwr|tpwr)?(in|import|imp|bezug|netzbezug|bezogen|consumed|consumption|verbrauch|afname|soutirage)(_total|_gesamt|_kwh|_sum)?$|^(total_kwh|total_consumption|total_consumed_kwh|total_summe|real_energy_consumed|energy_tot|energy_sum|counter_pos|zaehler_a\+|pos_wirk_tariflos|gesamt(verbrauch|bezug)|verbrauch_(summe|gesamt)|zaehlerstand(_bezug)?|toteneimp)$|^(1_0_)?1_?8_?0(_kwh)?$/
const EXPORT =
  /^(e_?|en_|energy_|total_?|power_total_|kwh_?|counter_|zaehler_|dj_tpwr|tpwr)?(out|export|exp|einspeisung|eingespeist|returned|delivered|supply|lieferung|teruglevering|injection)(_total|_gesamt|_kwh|_sum)?$|^(total_delivered_kwh|export_total_kwh|real_energy_delivered|energy_tot_export|counter_neg|zaehler_a-|neg_wirk_tariflos|gesamteinspeisung|einspeisung_(summe|gesamt)|zaehlerstand_einspeisung|toteneexp)$|^(1_0_)?2_?8_?0(_kwh)?$/
/** Says that something is counted, but not of what: what is taken, where it stands beside a power or what is given. */
const COUNTER = /^(total|counter|energy|energie)$/
const POWER =
  /^(power|power_?curr?|power_(total|sum|act|active|now)|curr?_?(w|power)|act(ive)?_power(_total)?|current_consumption|p|p_tot(al)?|p_l1_l2_l3|w|watts?|watt_summe|leistung|(aktuelle|momentan|momentanwirk|gesamt|wirk)_?leistung|leistung_(aktuell|gesamt|summe)|puissance|vermogen|dj_tpwrcurr|tpwrcurr)$|^(1_0_)?16_?7_?0(_w)?$/
/** Some meters have a power for each direction. */
const POWER_IN = /^power_in$|^(1_0_)?1_?7_?0$/
const POWER_OUT = /^power_out$|^(1_0_)?2_?7_?0$/
/** And some scripts publish kW. */
const KILOWATTS = /^kw_(in|out|l1_l2_l3)$/
const FREQUENCY = /^(hz|freq|frequency|frequenz|netzfrequenz)$|^(1_0_)?14_?7_?0$/
const PHASES: readonly (readonly ['voltage_v' | 'current_a' | 'power_w', RegExp])[] = [
  [
    'voltage_v',
    /^(?:volts?|voltage|u|spannung)_?(?:p|l|phase_?)?([123])(?:_n|_curr)?$|^l([123])_(?:volt|voltage|u|spannung)$|^phase_([123])_voltage$/,
  ],
  [
    'current_a',
    /^(?:amps?|amperage|current|curr|i|strom)_?(?:p|l|phase_?)?([123])(?:_n|_curr)?$|^l([123])_(?:amp|current|i|strom)$|^phase_([123])_current$/,
  ],
  [
    'power_w',
    /^(?:(?:active_|real_)?power(?:_curr?)?|pwr|watt|leistung)_?(?:p|l|phase_?)?([123])(?:_n|_curr)?$|^l([123])_(?:power|watt|leistung)$|^p_l([123])$/,
  ],
]
const METER_NAME = /sml|meter|z(ae|ä)hler|strom|obis|grid|netz/i

const plain = (key: string): string =>
  key
    .trim()
    .toLowerCase()
    .replace(/\*255$/, '') // the end of an OBIS number in full: 1-0:1.8.0*255
    .replace(/[-_.:+ ]+(?=.)/g, '_')
const fieldsOf = (sensor: unknown): [key: string, value: unknown][] =>
  entriesOf(sensor).flatMap(([key, value]) => (typeof value === 'object' ? [] : [[plain(key), value]]))

/** Whether a sensor is a meter that a script reads. */
export function isScriptedMeter(name: string, sensor: unknown): boolean {
  if (!isRecord(sensor)) return false
  const keys = fieldsOf(sensor).map(([key]) => key)
  const has = (pattern: RegExp) => keys.some((key) => pattern.test(key))
  return has(IMPORT) || has(EXPORT) || (has(POWER) && (has(COUNTER) || METER_NAME.test(name)))
}

export function putScriptedMeter(built: ReadingBuilder, name: string, sensor: unknown): void {
  const fields = fieldsOf(sensor)
  const first = (pattern: RegExp): unknown => fields.find(([key]) => pattern.test(key))?.[1]
  built.metric('import_total_wh', first(IMPORT) ?? first(COUNTER), 1000).metric('export_total_wh', first(EXPORT), 1000)
  built.metric('grid_power_w', first(POWER) ?? directions(first(POWER_IN), first(POWER_OUT)))
  if (first(POWER) === undefined)
    built.metric('grid_power_w', first(/^kw_l1_l2_l3$/) ?? directions(first(/^kw_in$/), first(/^kw_out$/)), 1000)
  built.metric('frequency_hz', first(FREQUENCY))
  for (const [key, value] of fields) {
    if (KNOWN.some((pattern) => pattern.test(key)) || putPhase(built, key, value)) continue
    built.extraNumber(`${name}_${key}`, value)
  }
}
const KNOWN = [IMPORT, EXPORT, COUNTER, POWER, POWER_IN, POWER_OUT, KILOWATTS, FREQUENCY]

/** What is taken less what is given; a meter for one direction has the first alone. */
function directions(taken: unknown, given: unknown): unknown {
  const [plus, minus] = [numberOf(taken), numberOf(given)]
  return plus === undefined || minus === undefined ? taken : plus - minus
}

function putPhase(built: ReadingBuilder, key: string, value: unknown): boolean {
  for (const [quantity, pattern] of PHASES) {
    const match = pattern.exec(key)
    if (!match) continue
    built.ac(Number(match[1] ?? match[2] ?? match[3]) - 1, { [quantity]: value })
    return true
  }
  return false
}
