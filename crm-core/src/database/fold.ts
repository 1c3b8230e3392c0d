/**
 * Works out what is always true or never true in a condition before an engine sees it. Not a nicety: Prisma drops an empty
 * `OR` that stands inside an `AND`, so "one of nothing", which must match no row, would match every row.
 */
import type { Condition } from './engine.ts'

export const COMPARISONS: ReadonlySet<string> = new Set([
  'not',
  'in',
  'notIn',
  'lt',
  'lte',
  'gt',
  'gte',
  'contains',
  'startsWith',
])

/** The condition without constants, or the constant it comes to. What is left has no empty `AND`, `OR`, `NOT` or `in`. */
export function fold(condition: Condition): Condition | boolean {
  const parts: Condition[] = []
  for (const [key, value] of Object.entries(condition)) {
    const part = foldKey(key, value)
    if (part === false) return false
    if (part !== true) parts.push(part)
  }
  if (parts.length === 0) return true
  return parts.length === 1 ? parts[0]! : { AND: parts }
}

function foldKey(key: string, value: unknown): Condition | boolean {
  if (key === 'AND') {
    const parts: Condition[] = []
    for (const each of (value as Condition[]).map(fold)) {
      if (each === false) return false
      if (each !== true) parts.push(each)
    }
    if (parts.length === 0) return true
    return parts.length === 1 ? parts[0]! : { AND: parts }
  }
  if (key === 'OR') {
    const parts: Condition[] = []
    for (const each of (value as Condition[]).map(fold)) {
      if (each === true) return true
      if (each !== false) parts.push(each)
    }
    if (parts.length === 0) return false
    return parts.length === 1 ? parts[0]! : { OR: parts }
  }
  if (key === 'NOT') {
    const inner = fold(value as Condition)
    return typeof inner === 'boolean' ? !inner : { NOT: inner }
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return { [key]: value }
  return foldObject(key, value as Condition)
}

function foldObject(key: string, value: Condition): Condition | boolean {
  const names = Object.keys(value)
  if (names.every((name) => COMPARISONS.has(name))) {
    if (Array.isArray(value.in) && value.in.length === 0) return false
    const { notIn, ...rest } = value
    const kept = Array.isArray(notIn) && notIn.length === 0 ? rest : value
    return Object.keys(kept).length === 0 ? true : { [key]: kept }
  }
  // A relation: to many by `some`, to one directly. That there is such a row at all is a condition of its own.
  const inner = fold(names.length === 1 && names[0] === 'some' ? (value.some as Condition) : value)
  if (inner === false) return false
  const rest = inner === true ? {} : inner
  return { [key]: names[0] === 'some' ? { some: rest } : { is: rest } }
}
