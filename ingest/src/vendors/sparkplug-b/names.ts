import { type Channel, isMetric, type Metric } from '@heliograph/crm-core/contracts'

/**
 * What a metric's name means. Sparkplug fixes no names, so the ones that solar makers and integrators use are recognised
 * whatever their case and separators: `AC/Power`, `acPower`, `Inverter.AC_Power`. What is not recognised is kept under its name.
 */
export type Meaning =
  | { kind: 'metric'; metric: Metric; sign: 1 | -1 }
  | { kind: 'channel'; side: 'dc' | 'ac'; index: number; quantity: keyof Channel }
  | { kind: 'status' | 'fault' | 'serial' | 'model' | 'firmware' }
  /** About the protocol, not the plant. */
  | { kind: 'control' }
  | { kind: 'unknown' }

/** A meaning, and the unit where the name ends in one (`Active_Power_kW`). */
export interface Named {
  meaning: Meaning
  unit?: string
}

const CONTROL = /^(bd seq$|node (control|info)\b|device control\b|properties\b(?!.*(serial|model|firmware)))/
/** Words before the real name that say nothing more. */
const NOISE =
  /^(?:(?:inverter|measurements?|metrics?|data|telemetry|live|realtime|values?|process|site|plant|station|outputs|inputs)(?: \d+)? )+(?=\S)/
const UNITS = /[_ /.-][([]?(kwh|mwh|wh|kw|mw|w|hz|kv|v|ka|ma|a|kvar|var|degc|c|pct|percent|w m2)[)\]]?$/i
const UNIT_NAMES: Readonly<Record<string, string>> = {
  kwh: 'kWh', mwh: 'MWh', wh: 'Wh', kw: 'kW', mw: 'MW', w: 'W', hz: 'Hz', kv: 'kV', v: 'V', ka: 'kA', ma: 'mA', a: 'A',
  kvar: 'kvar', var: 'var', degc: 'C', c: 'C', pct: '%', percent: '%', 'w m2': 'W/m2',
} // prettier-ignore

const METRIC_NAMES: readonly (readonly [RegExp, Metric, -1?])[] = [
  [
    /^(?:total )?(?:ac )?(?:output |total )?(?:active |real )?power(?: ac| total| output| active)*$|^(?:p ?ac|power ac|watts?)$/,
    'ac_power_w',
  ],
  [
    /^(?:total )?(?:pv|solar|production|generation)(?: array| total)? power(?: total)?$|^p ?pv(?: total)?$|^power pv$/,
    'pv_power_w',
  ],
  [/^(?:total )?dc(?: input| total)* power(?: total)?$|^p ?dc$|^power dc$|^input power$/, 'dc_power_w'],
  [
    /^(?:ac )?(?:energy|yield|production|generation) (?:total|lifetime|cumulative)(?: ac| produced| production| yield| out)*$/,
    'energy_total_wh',
  ],
  [
    /^(?:total|lifetime|cumulative|accumulated)(?: ac)? (?:energy|yield|production|generation)(?: produced| production| yield| out)*$/,
    'energy_total_wh',
  ],
  [
    /^(?:ac )?(?:energy|lifetime energy|active energy|energy produced|produced energy)$|^e ?(?:total|ac)$/,
    'energy_total_wh',
  ],
  [/^(?:pv |solar )?(?:energy|yield|production|generation) (?:day|today|daily)$|^e ?(?:day|today)$/, 'energy_day_wh'],
  [/^(?:day|today|todays|today s|daily)(?: ac)? (?:energy|yield|production|generation)$/, 'energy_day_wh'],
  [/^(?:ac |grid |line |mains |output )?(?:freq|frequency)$|^f ?ac$|^hz$/, 'frequency_hz'],
  [
    /^(?:module|panel|cell|pv module|back of module)(?: surface)? temp(?:erature)?$|^temp(?:erature)? (?:module|panel|cell)$/,
    'module_temp_c',
  ],
  [
    /^(?:ambient|air|outside|outdoor|external|env)(?: air)? temp(?:erature)?$|^temp(?:erature)? (?:ambient|air|outside)$/,
    'ambient_temp_c',
  ],
  [
    /^(?:inverter |internal |inside |cabinet |heat ?sink |device |enclosure )?temp(?:erature)?(?: internal| inside| inverter| cabinet)?$/,
    'inverter_temp_c',
  ],
  [/^temperatures? (?:heat ?sink|device|enclosure)$/, 'inverter_temp_c'],
  [
    /^(?:poa |ghi |gti |plane of array |global |solar |tilted )*(?:irradiance|irradiation|radiation)(?: poa| ghi)?$|^(?:poa|ghi)$/,
    'irradiance_wm2',
  ],
  [/^wind(?: speed)?$/, 'wind_ms'],
  [
    /^(?:grid|utility|mains|meter|pcc|poc|net)(?: active| import)? power$|^power (?:grid|meter)$|^p ?grid$/,
    'grid_power_w',
  ],
  [/^(?:grid |meter )?(?:export|feed in)(?: active)? power$/, 'grid_power_w', -1],
  [
    /^(?:load|house|home|consumption|site load|consumed)(?: active)? power$|^power (?:load|consumption)$|^p ?load$|^load$/,
    'load_power_w',
  ],
  [/^(?:battery|bess|ess|storage)(?: active| discharge)? power$|^power battery$|^p ?bat(?:tery)?$/, 'battery_power_w'],
  [/^(?:battery|bess|ess|storage) charg(?:e|ing) power$/, 'battery_power_w', -1],
  [/^(?:grid |meter )?import(?: active)? power$/, 'grid_power_w'],
  [/^(?:site|house|home|building) (?:load|consumption)(?: power)?$/, 'load_power_w'],
  [/^(?:battery |bess |ess |storage )?(?:soc|state of charge)$/, 'battery_soc_pct'],
  [
    /^(?:grid |meter )?(?:(?:total |active )*energy )?import(?:ed)?(?: active)?(?: energy)?(?: total)?$|^(?:total )?(?:energy )?import(?:ed)? energy$/,
    'import_total_wh',
  ],
  [
    /^(?:grid |meter )?(?:(?:total |active )*energy )?(?:export(?:ed)?|feed in)(?: active)?(?: energy)?(?: total)?$|^(?:total )?(?:energy )?export(?:ed)? energy$/,
    'export_total_wh',
  ],
  [/^(?:active )?power limit(?:ation)?(?: percent| pct)?$/, 'power_limit_pct'],
  [/^(?:ac )?(?:power factor|pf|cos ?phi)(?: total)?$/, 'power_factor'],
  [/^(?:total )?(?:ac )?reactive power(?: total)?$|^q ?ac$/, 'reactive_power_var'],
  // Names of SunSpec's inverter models.
  [/^w$/, 'ac_power_w'],
  [/^wh$/, 'energy_total_wh'],
  [/^dcw$/, 'dc_power_w'],
  [/^tmp cab$/, 'inverter_temp_c'],
  // The same in German, as loggers of the region name them.
  [/^(?:ac )?(?:wirkleistung|ausgangsleistung|leistung)(?: ac| gesamt)?$/, 'ac_power_w'],
  [/^(?:pv|solar) ?leistung$/, 'pv_power_w'],
  [/^(?:gesamtertrag|ertrag gesamt|gesamtenergie|energie gesamt)$/, 'energy_total_wh'],
  [/^(?:tagesertrag|ertrag (?:heute|tag)|tagesenergie|energie heute)$/, 'energy_day_wh'],
  [/^netzfrequenz$|^frequenz$/, 'frequency_hz'],
  [/^netzleistung$/, 'grid_power_w'],
  [/^(?:hausverbrauch|verbrauchsleistung)$/, 'load_power_w'],
  [/^(?:batterie ?leistung)$/, 'battery_power_w'],
  [/^(?:batterie ?)?ladezustand$/, 'battery_soc_pct'],
  [/^blindleistung$/, 'reactive_power_var'],
  [/^leistungsfaktor$/, 'power_factor'],
  [/^modultemperatur$/, 'module_temp_c'],
  [/^(?:umgebungs|aussen)temperatur$/, 'ambient_temp_c'],
  [/^(?:wechselrichter|geraete)?temperatur$/, 'inverter_temp_c'],
  [/^einstrahlung$/, 'irradiance_wm2'],
]
const FACTS: readonly (readonly [RegExp, Meaning['kind']])[] = [
  [/^(?:device |operating |operation |run |running |inverter )?(?:status|state|mode)(?: code| text| word)?$/, 'status'],
  [/^(?:device |active |current )?(?:fault|error|alarm)s?(?: code| codes| number| text| word)?$/, 'fault'],
  [/\bserial(?: number| no)?$|^sn$/, 'serial'],
  [/\bmodel(?: name| number)?$/, 'model'],
  [/\b(?:firmware|fw)(?: version)?$/, 'firmware'],
]

/** What a name means. Pure; callers keep the answer where they meet a name often. */
export function meaningOf(name: string): Named {
  // Our own spelling of a metric means just that.
  const own = name.slice(name.lastIndexOf('/') + 1).toLowerCase()
  if (isMetric(own)) return { meaning: { kind: 'metric', metric: own, sign: 1 } }
  const { text, unit } = wordsOf(name)
  const meaning = readWords(text)
  return unit === undefined ? { meaning } : { meaning, unit }
}

function wordsOf(name: string): { text: string; unit?: string } {
  const ending = UNITS.exec(name)
  const head = ending ? name.slice(0, ending.index) : name
  const text = split(head)
  // "PV1/V", "String 1 A": the unit is the quantity itself there.
  if (!ending || readWords(text).kind === 'unknown') return { text: split(name) }
  const unit = UNIT_NAMES[ending[1]?.toLowerCase() ?? '']
  return unit === undefined ? { text } : { text, unit }
}
/** `Inverter.AC_Power`, `acPower` and `ACPower1` as words in lower case. */
const split = (name: string): string =>
  (
    name
      .slice(0, 200)
      .replace(/So([CH])(?![a-z])/g, (_, letter: string) => `SO${letter}`)
      .match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []
  )
    .join(' ')
    .toLowerCase()

function readWords(words: string): Meaning {
  if (CONTROL.test(words)) return { kind: 'control' }
  const text = words.replace(NOISE, '')
  const channel = channelOf(text.split(' '))
  if (channel) return channel
  for (const [pattern, metric, sign = 1] of METRIC_NAMES)
    if (pattern.test(text)) return { kind: 'metric', metric, sign }
  for (const [pattern, kind] of FACTS) if (pattern.test(text)) return { kind } as Meaning
  // "Current power" is the power of now; a current has no other quantity behind it.
  return text.startsWith('current ') ? readWords(text.slice('current '.length)) : { kind: 'unknown' }
}

const DC_WORDS = new Set([
  'dc',
  'pv',
  'mppt',
  'mpp',
  'string',
  'strings',
  'tracker',
  'input',
  'panel',
  'channel',
  'str',
])
const AC_WORDS = new Set(['ac', 'phase', 'l', 'grid', 'line', 'output', 'leg', 'mains', 'n', 'to', 'ph', 'meter'])
/** Quantities, and the joined forms of loggers: `Vpv1`, `Iac2`. */
const QUANTITIES: Readonly<Record<string, readonly [quantity: keyof Channel, side?: 'dc' | 'ac']>> = {
  voltage: ['voltage_v'], volt: ['voltage_v'], volts: ['voltage_v'], v: ['voltage_v'], u: ['voltage_v'],
  current: ['current_a'], amps: ['current_a'], amp: ['current_a'], i: ['current_a'],
  power: ['power_w'], p: ['power_w'], watts: ['power_w'], w: ['power_w'],
  vpv: ['voltage_v', 'dc'], upv: ['voltage_v', 'dc'], udc: ['voltage_v', 'dc'], vdc: ['voltage_v', 'dc'],
  ipv: ['current_a', 'dc'], idc: ['current_a', 'dc'], ppv: ['power_w', 'dc'], pdc: ['power_w', 'dc'],
  vac: ['voltage_v', 'ac'], uac: ['voltage_v', 'ac'], iac: ['current_a', 'ac'], pac: ['power_w', 'ac'],
} // prettier-ignore
const PHASE_LETTERS: Readonly<Record<string, number>> = { a: 0, b: 1, c: 2, r: 0, s: 1, t: 2 }

/** A value of one input or phase: every word must be understood, and there must be exactly one quantity. */
function channelOf(words: string[]): Meaning | undefined {
  let side: 'dc' | 'ac' | undefined
  let quantity: keyof Channel | undefined
  let index: number | undefined
  for (const word of words) {
    const named = Object.hasOwn(QUANTITIES, word) ? QUANTITIES[word] : undefined
    if (named) {
      if (quantity !== undefined) return undefined
      quantity = named[0]
      side ??= named[1]
    } else if (DC_WORDS.has(word)) side = 'dc'
    else if (/^\d{1,2}$/.test(word) || (side === 'ac' && Object.hasOwn(PHASE_LETTERS, word))) {
      // Two numbers (L1-L2, or string 2 of tracker 1) are another thing than one channel.
      if (index !== undefined) return undefined
      index = PHASE_LETTERS[word] ?? Math.max(0, Number(word) - 1)
    } else if (AC_WORDS.has(word)) side ??= 'ac'
    else if (word !== 'active') return undefined
  }
  if (side === undefined || quantity === undefined) return undefined
  // A power without a number is the whole side's, which is a metric.
  if (index === undefined && quantity === 'power_w') return undefined
  if (side === 'ac' && (index ?? 0) > 2) return undefined
  return { kind: 'channel', side, index: index ?? 0, quantity }
}
