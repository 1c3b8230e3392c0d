/** Words devices write where they have no value. Compared in lower case. */
const PLACEHOLDERS = new Set(['', '-', '--', '---', 'null', 'none', 'n/a', 'na', 'undefined', 'unknown', 'unavailable'])
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/**
 * A number from what a device sent: a number or text (`"12.5"`, `" 2.16491e7 "`).
 * - `undefined`: no value (null, missing, empty text, `--`)
 * - `NaN`: something is there, but it is not a finite number (`"abc"`, `NaN`, 1e309, an object). Callers reject it;
 *   `ReadingBuilder` does so by itself.
 */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : NaN
  if (value === null || value === undefined) return undefined
  if (typeof value !== 'string') return NaN
  const text = value.replaceAll('\0', '').trim()
  if (NUMBER.test(text)) {
    const number = Number(text)
    return Number.isFinite(number) ? number : NaN
  }
  return PLACEHOLDERS.has(text.toLowerCase()) ? undefined : NaN
}

/** As `numberOf`, but whatever is not a finite number is undefined: for flags, codes and times, where junk means "not told". */
export function finiteOf(value: unknown): number | undefined {
  const number = numberOf(value)
  return number === undefined || Number.isNaN(number) ? undefined : number
}

/** A whole number (a code, a state), or undefined. `"7"` and 7 are, 7.5 is not. */
export function integerOf(value: unknown): number | undefined {
  const number = finiteOf(value)
  return number !== undefined && Number.isSafeInteger(number) ? number : undefined
}

/** True and false as devices write them: booleans, 0/1, `on/off`, `true/false`, `yes/no`, `online/offline`; else undefined. */
export function flagOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value === 1 ? true : value === 0 ? false : undefined
  if (typeof value !== 'string') return undefined
  return FLAGS.get(value.trim().toLowerCase())
}
const FLAGS = new Map(
  Object.entries({
    1: true,
    true: true,
    on: true,
    yes: true,
    online: true,
    0: false,
    false: false,
    off: false,
    no: false,
    offline: false,
  }),
)

/**
 * A value in another unit without the dust of binary fractions: 123.456 kWh is 123456 Wh exactly, 4998 hundredths are 49.98.
 * A factor above one multiplies and keeps three decimals; a factor below one that is one over a whole number divides,
 * which rounds once and correctly.
 */
export function scale(value: number, factor: number): number {
  if (factor === 1) return value
  const inverse = 1 / factor
  const whole = Math.round(inverse)
  if (Math.abs(factor) < 1 && Math.abs(inverse - whole) < 1e-9 * Math.abs(whole)) return value / whole
  return roundTo(value * factor, 3)
}

/** Rounded to so many decimals; a number too large to have them stays as it is. */
export function roundTo(value: number, digits: number): number {
  const unit = 10 ** digits
  const scaled = value * unit
  return Math.abs(scaled) < Number.MAX_SAFE_INTEGER ? Math.round(scaled) / unit : value
}
