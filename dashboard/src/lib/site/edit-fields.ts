/** Records edited as text, field by field: what is typed is kept as typed, and only what differs is sent. */
import type { Clash } from '../stale/stale.ts'

export interface EditField {
  /** Path within the record: `name`, `address.city`. */
  key: string
  label: string
  /** `decimal`: a number whose digits are kept as they are, as text. */
  kind: 'text' | 'number' | 'decimal' | 'date' | 'list' | 'choice'
  /** Unit that is typed; `factor` of it make one of the record's. */
  unit?: string
  factor?: number
  hint?: string
  required?: boolean
  maxLength?: number
  /** What can be chosen; the browser also proposes `suggestions` while typing. */
  options?: readonly { value: string; label: string }[]
  suggestions?: readonly string[]
  /** Of a row of its own, or beside others. */
  wide?: boolean
}
export type Draft = Record<string, string>

export function valueAt(record: unknown, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((value, part) => (value as Record<string, unknown> | null | undefined)?.[part], record)
}

/** A stored value as it is typed. */
export function typed(field: EditField, record: unknown): string {
  const value = valueAt(record, field.key)
  if (value === null || value === undefined) return ''
  if (field.kind === 'list') return (value as readonly string[]).join(', ')
  if (field.kind === 'number') return String(Number(((value as number) / (field.factor ?? 1)).toPrecision(12)))
  return String(value as string | number)
}
export function draftOf(fields: readonly EditField[], record: unknown): Draft {
  return Object.fromEntries(fields.map((field) => [field.key, typed(field, record)]))
}

type Parsed = { value: unknown } | { problem: string }
function parse(field: EditField, text: string): Parsed {
  const trimmed = text.trim()
  if (field.kind === 'list')
    return {
      value: [
        ...new Set(
          trimmed
            .split(',')
            .map((part) => part.trim())
            .filter((part) => part !== ''),
        ),
      ],
    }
  if (trimmed === '') return field.required ? { problem: 'is needed' } : { value: null }
  if (field.kind !== 'number' && field.kind !== 'decimal') return { value: trimmed }
  // Both ways to write a decimal are understood; a number with both signs is not guessed at.
  const plain = /^-?\d+([.,]\d+)?$/.test(trimmed) ? Number(trimmed.replace(',', '.')) : Number.NaN
  if (!Number.isFinite(plain)) return { problem: 'is not a number' }
  if (field.kind === 'decimal') return { value: trimmed.replace(',', '.') }
  return { value: plain * (field.factor ?? 1) }
}

export interface Edited {
  /** For a PATCH. */
  changes: Record<string, unknown>
  /** Keys of the fields that differ. */
  keys: string[]
  problems: { path: string; message: string }[]
}
/** What of a draft differs from what was shown. A part of an address is sent with its other parts: the API takes it whole. */
export function changesOf(fields: readonly EditField[], shown: unknown, draft: Draft): Edited {
  const edited: Edited = { changes: {}, keys: [], problems: [] }
  for (const field of fields) {
    const text = draft[field.key] ?? ''
    if (text.trim() === typed(field, shown).trim()) continue
    const parsed = parse(field, text)
    if ('problem' in parsed) {
      edited.problems.push({ path: field.key, message: `${field.label} ${parsed.problem}` })
      continue
    }
    edited.keys.push(field.key)
    const [top, part] = field.key.split('.') as [string, string | undefined]
    if (part === undefined) edited.changes[top] = parsed.value
    else {
      const before = (edited.changes[top] ?? valueAt(shown, top) ?? {}) as Record<string, unknown>
      const whole = { ...before, [part]: parsed.value }
      // What is empty is left out, and an address of nothing is none.
      for (const [name, value] of Object.entries(whole)) if (value === null || value === undefined) delete whole[name]
      edited.changes[top] = Object.keys(whole).length === 0 ? null : whole
    }
  }
  return edited
}

/** Fields that somebody else changed meanwhile or that are wanted here: what a person chooses from. */
export function clashes(
  fields: readonly EditField[],
  shown: unknown,
  theirs: unknown,
  draft: Draft,
  keys: readonly string[],
): Clash[] {
  const told = (text: string) => (text === '' ? 'nothing' : text)
  return fields
    .filter((field) => keys.includes(field.key) || typed(field, shown) !== typed(field, theirs))
    .map((field) => ({
      label: field.label,
      shown: told(typed(field, shown)),
      theirs: told(typed(field, theirs)),
      yours: keys.includes(field.key) ? told((draft[field.key] ?? '').trim()) : undefined,
    }))
}
/** The draft on top of what holds by now: what was typed stays, the rest is theirs. */
export function rebased(fields: readonly EditField[], theirs: unknown, draft: Draft, keys: readonly string[]): Draft {
  return { ...draftOf(fields, theirs), ...Object.fromEntries(keys.map((key) => [key, draft[key] ?? ''])) }
}
