/** The `--map` of an import: which column is which metric, in which unit. */
import { isMetric, type Metric, METRICS } from '@heliograph/crm-core/contracts'
import { CliError } from './cli-error.ts'

export interface ColumnMapping {
  column: string
  metric: Metric
  convert(value: number): number
}

const scale = (factor: number) => (value: number) => value * factor
/** Units a file may have where it has not the metric's own, by the metric's unit. */
const CONVERSIONS: Record<string, Record<string, (value: number) => number>> = {
  W: { W: scale(1), kW: scale(1e3), MW: scale(1e6), mW: scale(1e-3) },
  Wh: {
    Wh: scale(1),
    kWh: scale(1e3),
    MWh: scale(1e6),
    GWh: scale(1e9),
    J: scale(1 / 3600),
    kJ: scale(1 / 3.6),
    MJ: scale(1e3 / 3.6),
  },
  '°C': { C: scale(1), '°C': scale(1), F: (value) => ((value - 32) * 5) / 9, K: (value) => value - 273.15 },
  'W/m²': { 'W/m2': scale(1), 'W/m²': scale(1), 'kW/m2': scale(1e3), 'kW/m²': scale(1e3) },
  'm/s': { 'm/s': scale(1), 'km/h': scale(1 / 3.6), mph: scale(0.44704), kn: scale(0.514444) },
  '%': { '%': scale(1), share: scale(100) },
  Hz: { Hz: scale(1), mHz: scale(1e-3) },
  s: { s: scale(1), min: scale(60), h: scale(3_600) },
  var: { var: scale(1), kvar: scale(1e3) },
  '': {},
}

/**
 * Reads `column=metric[:unit],…`. A column may have commas, equals signs and colons in its name where it is the name of one.
 * @throws CliError (usage)
 */
export function readMapping(text: string): ColumnMapping[] {
  const mappings: ColumnMapping[] = []
  // Split before what looks like the end of an entry: `=metric` or `=metric:unit`.
  for (const entry of text.split(/(?<==[a-z][a-z0-9_]*(?::[^,=]+)?),/)) {
    const match = /^(.+)=([a-z][a-z0-9_]*)(?::(.+))?$/.exec(entry.trim())
    if (!match) throw new CliError(`--map: "${entry}" is not column=metric or column=metric:unit`, 2)
    const [, column, metric, unit] = match as unknown as [string, string, string, string | undefined]
    if (!isMetric(metric)) throw new CliError(`--map: there is no metric "${metric}"`, 2)
    const own = METRICS[metric].unit
    const convert = unit === undefined ? scale(1) : CONVERSIONS[own]?.[unit]
    if (!convert)
      throw new CliError(
        `--map: ${metric} cannot be read from "${unit}"; one of ${Object.keys(CONVERSIONS[own] ?? {}).join(', ')}`,
        2,
      )
    mappings.push({ column: column.trim(), metric, convert })
  }
  const twice = mappings.find(({ metric }, index) => mappings.findIndex((other) => other.metric === metric) !== index)
  if (twice) throw new CliError(`--map: ${twice.metric} is given twice`, 2)
  return mappings
}

/** What loggers write where they measured nothing. */
const SENTINELS = new Set([-999, -9_999, -99_999, -999_999, -1_000_000, -9_999_999])
const NO_VALUE = /^(|-+|nan|null|none|n\/?a|na)$/i

/** A cell as the metric's value; undefined where nothing was measured. @throws RangeError what is wrong with it */
export function readCell(
  cell: string,
  { column, metric, convert, decimalComma }: ColumnMapping & { decimalComma?: boolean },
): number | undefined {
  const text = cell.trim()
  if (NO_VALUE.test(text)) return undefined
  const raw = Number(decimalComma && /^-?\d+,\d+$/.test(text) ? text.replace(',', '.') : text)
  if (!Number.isFinite(raw)) throw new RangeError(`${column}: "${text.slice(0, 40)}" is not a number`)
  if (SENTINELS.has(raw)) throw new RangeError(`${column}: ${text} stands for no value`)
  const value = convert(raw)
  const { min, max } = METRICS[metric]
  if (value < min || value > max) throw new RangeError(`${column}: ${text} is out of bounds for ${metric}`)
  return value
}
