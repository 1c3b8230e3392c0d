import { METRICS, type Metric, type MetricDefinition } from '@heliograph/crm-core/contracts'

/** Factors to the canonical unit. Case matters for the prefix only: mW is not MW. */
const FACTORS: Partial<Record<MetricDefinition['unit'], Record<string, number>>> = {
  W: { W: 1, kW: 1e3, KW: 1e3, MW: 1e6, GW: 1e9, mW: 1e-3, VA: 1, kVA: 1e3 },
  Wh: {
    Wh: 1,
    kWh: 1e3,
    KWh: 1e3,
    KWH: 1e3,
    kwh: 1e3,
    MWh: 1e6,
    GWh: 1e9,
    mWh: 1e-3,
    Wm: 1 / 60,
    J: 1 / 3600,
    kJ: 1 / 3.6,
    MJ: 1e3 / 3.6,
    Ws: 1 / 3600,
  },
  s: { s: 1, min: 60, h: 3600, ms: 1e-3 },
  Hz: { Hz: 1, mHz: 1e-3, kHz: 1e3 },
  'W/m²': { 'W/m²': 1, 'W/m2': 1, 'kW/m²': 1e3, 'kW/m2': 1e3 },
  'm/s': { 'm/s': 1, 'km/h': 1 / 3.6, mph: 0.44704, kn: 0.514444 },
  '%': { '%': 1 },
  var: { var: 1, VAr: 1, VAR: 1, Var: 1, kvar: 1e3, kVAr: 1e3, kVar: 1e3, Mvar: 1e6, mvar: 1e-3 },
}

/**
 * Factor from a unit as the device writes it to the unit of a metric, or undefined where the unit does not fit the metric.
 * An empty unit means the canonical one. Fahrenheit has no factor: see `toMetricUnit`.
 */
export function unitFactor(unit: string, metric: Metric): number | undefined {
  const trimmed = unit.trim().replace('^', '').replace('μ', 'µ')
  if (trimmed === '') return 1
  const own = METRICS[metric].unit
  if (own === '°C') return /^(°|º|deg ?)?c(elsius)?$/i.test(trimmed) || trimmed === '℃' ? 1 : undefined
  const table = FACTORS[own]
  if (!table) return undefined
  if (Object.hasOwn(table, trimmed)) return table[trimmed]
  // A spelling with other case, unless case could change the meaning (a prefix m or M).
  if (/^m/i.test(trimmed) && trimmed.length > 1 && own !== 'm/s') return undefined
  const lower = trimmed.toLowerCase()
  return Object.entries(table).find(([name]) => name.toLowerCase() === lower)?.[1]
}

/** Whether a unit text means degrees Fahrenheit. */
export const isFahrenheit = (unit: string): boolean => /^(°|º|deg ?)?f(ahrenheit)?$/i.test(unit.trim())
/** Celsius of a Fahrenheit value, to three decimals. */
export const celsiusOf = (fahrenheit: number): number => Math.round(((fahrenheit - 32) / 1.8) * 1000) / 1000

/** Factor to V for a voltage unit (mV, V, kV), to A for a current unit; undefined where it is neither. */
export const voltFactor = (unit: string): number | undefined => VOLTS.get(unit.trim().toLowerCase())
export const ampereFactor = (unit: string): number | undefined => AMPERES.get(unit.trim().toLowerCase())
const VOLTS = new Map([
  ['', 1],
  ['v', 1],
  ['mv', 1e-3],
  ['kv', 1e3],
])
const AMPERES = new Map([
  ['', 1],
  ['a', 1],
  ['ma', 1e-3],
  ['ka', 1e3],
])
