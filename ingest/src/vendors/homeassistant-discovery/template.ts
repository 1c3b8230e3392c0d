import { get, numberOf, roundTo } from '../../vocabulary/index.ts'

/**
 * The part of Jinja that discovery messages of meters use: a path into the payload, filters that keep it a number, and a constant
 * factor. `{{ value_json.a['b'][0] | float / 10 | round(1) }}`, `{{ value }}`. Serialisable, since it is part of the state.
 */
export interface ValueTemplate {
  /** Undefined: the payload itself. */
  path?: (string | number)[]
  /** In order of writing. */
  steps: ({ factor: number } | { divisor: number } | { round: number } | { offset: number } | { abs: true })[]
}

const MAX_LENGTH = 500
const MAX_STEPS = 10

/** Undefined where the template is not of the part understood. No template at all is the payload itself. */
export function parseTemplate(text: string | undefined): ValueTemplate | undefined {
  if (text === undefined || text.trim() === '') return { steps: [] }
  if (text.length > MAX_LENGTH) return undefined
  const inner = /^\s*\{\{-?([\s\S]*?)-?\}\}\s*$/.exec(text)?.[1] ?? guarded(text)
  return inner === undefined || /\{\{|\{%/.test(inner) ? undefined : expression(unconditional(inner.trim()))
}

const PATH = String.raw`value_json(?:\.\w+|\[[^\]]{1,80}\])*`
/** A test for being there: what is not there stays missing here, whatever the template puts in its place. */
const THERE = String.raw`(?:${PATH}(?: is (?:defined|not none|number)| ?!= ?none)?|'[^']{1,80}' in ${PATH})`
const GUARD = new RegExp(
  String.raw`^\s*\{%-?\s*if ${THERE}(?: and ${THERE})?\s*-?%\}\s*\{\{-?([\s\S]*?)-?\}\}\s*(?:\{%-?\s*else\s*-?%\}[^%]{0,80})?\{%-?\s*endif\s*-?%\}\s*$`,
  'i',
)
const guarded = (text: string): string | undefined => GUARD.exec(text)?.[1]
const CONDITION = new RegExp(String.raw`^([\s\S]*?) if ${THERE}(?: and ${THERE})?(?: else [^|]{0,80})?$`, 'i')
const unconditional = (text: string): string => CONDITION.exec(text)?.[1]?.trim() ?? text

function expression(text: string): ValueTemplate | undefined {
  const cursor = { text, at: 0 }
  const parsed = product(cursor, 0)
  skip(cursor)
  return parsed !== undefined && cursor.at === text.length ? parsed : undefined
}
interface Cursor {
  text: string
  at: number
}
const skip = (c: Cursor): void => {
  while (/\s/.test(c.text[c.at] ?? '')) c.at++
}
function take(c: Cursor, pattern: RegExp): RegExpExecArray | undefined {
  skip(c)
  const sticky = new RegExp(pattern.source, 'y')
  sticky.lastIndex = c.at
  const match = sticky.exec(c.text)
  if (!match) return undefined
  c.at = sticky.lastIndex
  return match
}

const NUMBER = /-?\d+(?:\.\d+)?|\(\s*-?\d+(?:\.\d+)?\s*\)/
const numberIn = (text: string | undefined): number => Number(text?.replace(/[()\s]/g, '') ?? NaN)

/**
 * ( number (`*` | `-`) )? `-`? operand filters ( (`*` | `/`) number filters )* ( (`+` | `-`) number filters )*
 *
 * A filter binds tighter than an operator: in `value / 10 | round(1)` it is the ten that is rounded.
 */
function product(c: Cursor, depth: number): ValueTemplate | undefined {
  const leading = take(c, /(-?\d+(?:\.\d+)?)\s*([*-])/)
  const negative = take(c, /-/) !== undefined
  const value = operand(c, depth)
  if (!value) return undefined
  if (negative) value.steps.push({ factor: -1 })
  if (!filters(c, value)) return undefined
  if (leading?.[2] === '*') value.steps.push({ factor: Number(leading[1]) })
  let offset = false
  for (let i = 0; i < MAX_STEPS; i++) {
    const operator = take(c, /[*/+-]/)?.[0]
    if (operator === undefined) {
      if (leading?.[2] === '-') value.steps.push({ factor: -1 }, { offset: Number(leading[1]) })
      return value
    }
    const constant: ValueTemplate = { steps: [] }
    const text = take(c, NUMBER)?.[0]
    if (text === undefined || !filters(c, constant)) return undefined
    const number = valueOf(constant, String(numberIn(text)), undefined) ?? NaN
    if (Number.isNaN(number)) return undefined
    if (operator === '+' || operator === '-') {
      if (leading?.[2] === '-') return undefined
      offset = true
      value.steps.push({ offset: operator === '+' ? number : -number })
      continue
    }
    // What is multiplied after a sum binds tighter than the sum: no order of steps from left to right.
    if (offset || number === 0) return undefined
    value.steps.push(operator === '*' ? { factor: number } : { divisor: number })
  }
  return undefined
}
function filters(c: Cursor, value: ValueTemplate): boolean {
  for (let i = 0; i < MAX_STEPS; i++) {
    if (!take(c, /\|/)) return true
    if (!filter(c, value)) return false
  }
  return false
}
function operand(c: Cursor, depth: number): ValueTemplate | undefined {
  if (take(c, /\(/)) {
    const inner = depth < 3 ? product(c, depth + 1) : undefined
    return inner && take(c, /\)/) ? inner : undefined
  }
  // '%.1f' | format(…)
  const digits = take(c, /['"]%\d*(?:\.(\d))?[fd]['"]\s*\|\s*format\s*\(/)
  if (digits) {
    const inner = depth < 3 ? product(c, depth + 1) : undefined
    if (!inner || !take(c, /\)/)) return undefined
    inner.steps.push({ round: Number(digits[1] ?? 6) })
    return inner
  }
  const call = take(c, /(?:float|int)\s*\(/)?.[0]
  if (call !== undefined) {
    const inner = depth < 3 ? product(c, depth + 1) : undefined
    if (!inner || !take(c, /\s*(?:,\s*(?:default\s*=\s*)?(?:-?\d+(?:\.\d+)?|none|None)\s*)?\)/)) return undefined
    if (call.startsWith('int')) inner.steps.push({ round: -1 })
    return inner
  }
  const root = take(c, /(?:value_json|value)\b/)?.[0]
  if (root === undefined) return undefined
  if (root === 'value') return { steps: [] }
  const path: (string | number)[] = []
  for (;;) {
    const at = c.at
    const step =
      take(c, /\.get\(\s*(?:'([^']*)'|"([^"]*)")\s*(?:,\s*(?:-?\d+(?:\.\d+)?|\{\}|none|None|'')\s*)?\)/) ??
      take(c, /\.([A-Za-z_]\w*|\d+)(?!\w*\()/) ??
      take(c, /\[\s*(?:'([^']*)'|"([^"]*)"|(\d+))\s*\]/)
    if (!step || path.length > 20) {
      c.at = at
      return path.length > 20 ? undefined : { path, steps: [] }
    }
    const name = step[1] ?? step[2]
    path.push(name ?? Number(step[3]))
  }
}
/** Filters that leave a number a number. `default` and `is_defined` fill in for a missing value: that stays missing here. */
function filter(c: Cursor, value: ValueTemplate): boolean {
  const name = take(c, /[a-z_]+/)?.[0]
  const argument = take(
    c,
    /\(\s*(?:default\s*=\s*)?(?:'[^']*'|"[^"]*"|-?\d+(?:\.\d+)?|none|None)?\s*(?:,\s*(?:default\s*=\s*)?(?:true|false|none|-?\d+(?:\.\d+)?|'[a-z]+'))?\s*\)/,
  )?.[0]
  switch (name) {
    case 'float':
    case 'default':
    case 'd':
    case 'is_defined':
    case 'trim':
    case 'string':
      return true
    case 'int':
      value.steps.push({ round: -1 })
      return true
    case 'abs':
      value.steps.push({ abs: true })
      return true
    case 'multiply': {
      const factor = Number(/-?\d+(?:\.\d+)?/.exec(argument ?? '')?.[0] ?? NaN)
      if (Number.isNaN(factor) || factor === 0) return false
      value.steps.push({ factor })
      return true
    }
    case 'round': {
      const digits = Number(/-?\d+/.exec(argument ?? '')?.[0] ?? 0)
      if (digits < 0 || digits > 10) return false
      value.steps.push({ round: digits })
      return true
    }
    default:
      return false
  }
}

/**
 * The number a template finds in a payload; undefined: not there, NaN: there and no number (see `numberOf`).
 * @param json the parsed payload, or undefined where it is plain text
 */
export function valueOf(template: ValueTemplate, text: string, json: unknown): number | undefined {
  let value = numberOf(template.path === undefined ? text : get(json, ...template.path))
  if (value === undefined || Number.isNaN(value)) return value
  for (const step of template.steps) {
    if ('factor' in step) value *= step.factor
    else if ('divisor' in step) value /= step.divisor
    else if ('offset' in step) value += step.offset
    else if ('abs' in step) value = Math.abs(value)
    else value = step.round < 0 ? Math.trunc(value) : roundTo(value, step.round)
  }
  // 5.321 * 1000 is not 5321 in binary; nothing here has more than nine decimals.
  return template.steps.length > 0 ? roundTo(value, 9) : value
}
