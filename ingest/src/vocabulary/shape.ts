import type { z } from 'zod'
import { DecodeError } from '../vendor.ts'

/** A JSON object: neither null nor a list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The own property at a path, or undefined: `get(body, 'Body', 'Data', 'PAC')`. Never walks into a prototype. */
export function get(value: unknown, ...path: (string | number)[]): unknown {
  let at = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string | number, unknown>)[key]
  }
  return at
}

/** Own entries of a JSON object, without `__proto__`, which no vendor uses and which is harmful once assigned. */
export function entriesOf(value: unknown): [string, unknown][] {
  return isRecord(value) ? Object.entries(value).filter(([key]) => key !== '__proto__') : []
}

/** Trimmed text of a string or number, at most `max` characters; undefined for anything else and for empty text. */
export function wordsOf(value: unknown, max = 500): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (typeof value !== 'string') return undefined
  const text = value.replaceAll('\0', '').trim()
  return text === '' ? undefined : text.slice(0, max)
}

/**
 * Checks a body against a schema.
 * @throws DecodeError `invalid-field` with one line: the first field that is wrong and what was expected there
 */
export function parseShape<T extends z.ZodType>(schema: T, value: unknown, what = 'body'): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new DecodeError('invalid-field', `${what}: ${firstIssue(result.error)}`)
}
/** One line about the first thing wrong. */
export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  if (!issue) return 'invalid'
  return `${issue.path.map(String).join('.') || 'value'}: ${issue.message}`.slice(0, 300)
}

/**
 * A short, quotable form of a value for rejections.
 * Long text is cut, so that a dead letter's detail never carries a whole body.
 */
export function quote(value: unknown): string {
  let text: string
  if (typeof value === 'string') text = JSON.stringify(value.slice(0, 60))
  else if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined)
    text = String(value)
  else text = Array.isArray(value) ? 'a list' : 'an object'
  return text
}
