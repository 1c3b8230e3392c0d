/**
 * Numbers as people read them: scaled units, the person's locale, and never a zero for something that was not measured.
 * Exact values stay available through `exact`, for tooltips and tables.
 */
import type { MetricDefinition } from '@heliograph/crm-core/contracts'

export type Unit = MetricDefinition['unit'] | 'VA' | 'EUR'
/** A figure split into its parts, so that the unit can be dimmed. */
export interface Figure {
  text: string
  unit: string
}

const PREFIXES = [
  { factor: 1e9, prefix: 'G' },
  { factor: 1e6, prefix: 'M' },
  { factor: 1e3, prefix: 'k' },
  { factor: 1, prefix: '' },
] as const
const SCALED: ReadonlySet<string> = new Set(['W', 'Wh', 'var', 'VA'])

/** One step of the ladder W, kW, MW, GW: picked for the largest value of a chart or for one figure. */
export interface Scale {
  factor: number
  unit: string
}

/**
 * The step at which a value reads with one to four digits before the point. Rounding is taken into account: 999 999 W is
 * 1 MW, not 1 000 kW.
 */
export function scaleFor(largest: number, unit: string): Scale {
  if (!SCALED.has(unit)) return { factor: 1, unit }
  const size = Math.abs(largest)
  const step = PREFIXES.find(({ factor }) => size >= factor * 0.9995) ?? PREFIXES[PREFIXES.length - 1]!
  return { factor: step.factor, unit: `${step.prefix}${unit}` }
}

/** Three significant digits, but never fewer than the whole part has; a tiny value keeps what it has. */
function digitsFor(value: number): number {
  const size = Math.abs(value)
  if (size === 0 || size >= 100) return 0
  if (size >= 10) return 1
  return 2
}

const formatters = new Map<string, Intl.NumberFormat>()
function formatter(locale: string, digits: number, fixed: boolean): Intl.NumberFormat {
  const key = `${locale}|${digits}|${String(fixed)}`
  let found = formatters.get(key)
  if (!found) {
    found = new Intl.NumberFormat(locale, { minimumFractionDigits: fixed ? digits : 0, maximumFractionDigits: digits })
    formatters.set(key, found)
  }
  return found
}

/**
 * A measured value with its unit, scaled: 5321 W is 5.32 kW. `undefined` in gives `undefined` out: what was not measured has
 * no figure.
 */
export function figure(value: number | null | undefined, unit: string, locale = 'en'): Figure | undefined {
  if (value === null || value === undefined || !Number.isFinite(value)) return undefined
  const scale = scaleFor(value, unit)
  const scaled = value / scale.factor
  const digits = scale.factor === 1 && SCALED.has(unit) ? 0 : digitsFor(scaled)
  return { text: formatter(locale, digits, true).format(scaled === 0 ? 0 : scaled), unit: scale.unit }
}

/** The same on a given scale, for axes and tables whose rows must compare. */
export function onScale(value: number, scale: Scale, locale = 'en'): string {
  const scaled = value / scale.factor
  return formatter(locale, digitsFor(scaled) || (scale.factor > 1 && Math.abs(scaled) < 1000 ? 1 : 0), false).format(
    scaled,
  )
}

/** The unscaled value with every digit it has, for tooltips: `5,321 W`. */
export function exact(value: number | null | undefined, unit: string, locale = 'en'): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return 'not measured'
  const text = formatter(locale, 3, false).format(value)
  return unit ? `${text} ${unit}` : text
}

/** A figure as one text: `5.32 kW`, or the given word where nothing was measured. */
export function figureText(
  value: number | null | undefined,
  unit: string,
  locale = 'en',
  otherwise = 'not measured',
): string {
  const made = figure(value, unit, locale)
  if (!made) return otherwise
  return made.unit ? `${made.text} ${made.unit}` : made.text
}

/** A plain number with at most three digits behind the point. */
export function formatNumber(value: number, locale = 'en'): string {
  return formatter(locale, 3, false).format(value)
}

export function count(value: number, locale = 'en'): string {
  return formatter(locale, 0, false).format(value)
}

/** A number of things in words: `1 alarm`, `12 alarms`, `1,200 sites`. Plurals that end otherwise are named. */
export function counted(value: number, one: string, locale = 'en', many = `${one}s`): string {
  return `${count(value, locale)} ${value === 1 ? one : many}`
}

/** A share of 0 to 1 as per cent; what is nearly but not quite everything never reads 100 %. */
export function share(value: number | null | undefined, locale = 'en'): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return 'not measured'
  const percent = value * 100
  const shown = percent < 100 && percent > 99.9 ? 99.9 : percent > 0 && percent < 0.1 ? 0.1 : percent
  return `${formatter(locale, Number.isInteger(shown) ? 0 : 1, false).format(shown)} %`
}

/** Bytes in powers of 1 024, as file sizes are told. */
export function bytes(value: number, locale = 'en'): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let rest = value
  let step = 0
  while (rest >= 1024 && step < units.length - 1) {
    rest /= 1024
    step++
  }
  return `${formatter(locale, step === 0 ? 0 : digitsFor(rest), false).format(rest)} ${units[step]!}`
}

/** Money in minor units of its currency. */
export function money(value: { amount: number; currency: string } | null | undefined, locale = 'en'): string {
  if (!value) return 'not known'
  try {
    const format = new Intl.NumberFormat(locale, { style: 'currency', currency: value.currency })
    const digits = format.resolvedOptions().maximumFractionDigits ?? 2
    return format.format(value.amount / 10 ** digits)
  } catch {
    return `${formatter(locale, 2, true).format(value.amount / 100)} ${value.currency}`
  }
}
