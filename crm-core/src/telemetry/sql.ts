/**
 * The only way to SQL text: a tag whose every value becomes a typed literal, a checked identifier or another fragment of
 * this tag. Bound parameters would make the embedded engine run one query at a time.
 *
 *   sql`SELECT ts FROM readings FINAL WHERE device_id = ${deviceId} AND ts >= ${instant(from)} LIMIT ${limit}`
 */
import { idPattern, type Sql } from '@heliograph/crm-core/contracts'

/** A value that could not be made a literal: a bug of the caller, never bad input that reached the engine. */
export class SqlValueError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SqlValueError'
  }
}

/** Made by this module alone: an object that merely looks like SQL is no fragment. */
class Fragment implements Sql {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  get text(): string {
    return this.#text
  }
}
export type SqlValue = string | number | boolean | Sql

/** Fragments join as they are; strings are quoted, numbers must be finite, booleans are 1 and 0. */
export function sql(strings: TemplateStringsArray, ...values: readonly SqlValue[]): Sql {
  let text = strings[0]!
  for (const [index, value] of values.entries()) text += literal(value) + strings[index + 1]!
  return new Fragment(text)
}

function literal(value: unknown): string {
  if (value instanceof Fragment) return value.text
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') return numeral(value)
  if (typeof value === 'boolean') return value ? '1' : '0'
  throw new SqlValueError(`no SQL literal for ${value === null ? 'null' : typeof value}`)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '\0': '\\0',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
}
function quoted(value: string): string {
  // A lone surrogate has no UTF-8 form; it would become another character on its way and match what was not asked for.
  if (!value.isWellFormed()) throw new SqlValueError('a text with half a character')
  return `'${value.replace(/[\\'\0\n\r\t\b\f]/g, (char) => ESCAPES[char]!)}'`
}
function numeral(value: number): string {
  if (!Number.isFinite(value)) throw new SqlValueError(`not a finite number: ${value}`)
  // Negative numbers in parentheses, so that "- -1" never becomes the start of a comment.
  return value < 0 || Object.is(value, -0) ? `(${value === 0 ? 0 : value})` : String(value)
}

/** An instant (UTC milliseconds) to compare with DateTime64(3) columns. */
export function instant(at: number): Sql {
  if (!Number.isSafeInteger(Math.round(at))) throw new SqlValueError(`not an instant: ${at}`)
  // The range of DateTime64(3): 1900 to 2299. Beyond it the engine would wrap around silently.
  const clamped = Math.min(Math.max(Math.round(at), -2_208_988_800_000), 10_413_791_999_999)
  return new Fragment(`fromUnixTimestamp64Milli(toInt64(${clamped}), 'UTC')`)
}
/** An instant (UTC milliseconds) to compare with DateTime columns: seconds, rounded down, within 1970 to 2106. */
export function second(at: number): Sql {
  if (!Number.isFinite(at)) throw new SqlValueError(`not an instant: ${at}`)
  return new Fragment(`toDateTime(${Math.min(Math.max(Math.floor(at / 1000), 0), 4_294_967_295)}, 'UTC')`)
}
/** A calendar day, `YYYY-MM-DD`. */
export function day(date: string): Sql {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) throw new SqlValueError(`not a day: ${date}`)
  return new Fragment(`toDate('${date}')`)
}
/** An id of ours; anything else is refused rather than quoted. */
export function id(value: string): Sql {
  if (!idPattern.test(value)) throw new SqlValueError('not an id')
  return new Fragment(`'${value}'`)
}
/** `(a, b, c)` for IN. An empty list matches nothing. */
export function list(values: readonly (string | number)[]): Sql {
  return new Fragment(values.length === 0 ? '(NULL)' : `(${values.map(literal).join(', ')})`)
}
/** Name of a table or column. */
export function identifier(name: string): Sql {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) throw new SqlValueError('not an identifier')
  return new Fragment(name)
}
/** Joins fragments; with none the result is empty. */
export function join(
  parts: readonly Sql[],
  separator: ', ' | ' AND ' | ' OR ' | ' UNION ALL ' | ' + ' | ' ' = ', ',
): Sql {
  for (const part of parts) if (!(part instanceof Fragment)) throw new SqlValueError('not a fragment')
  return new Fragment(parts.map((part) => part.text).join(separator))
}
/** Conditions joined by AND; without any, true. */
export function allOf(conditions: readonly (Sql | undefined)[]): Sql {
  const present = conditions.filter((condition) => condition !== undefined)
  return present.length === 0
    ? new Fragment('1')
    : new Fragment(present.map((part) => `(${literal(part)})`).join(' AND '))
}
