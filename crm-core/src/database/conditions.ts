/** Conditions and orders as callers write them, checked against the table's columns before they reach an engine. */
import { ProblemError, type TableName } from '../../contracts/index.ts'
import { TABLES, type ColumnKind } from './columns.ts'
import type { Condition, PlainRow } from './engine.ts'
import { COMPARISONS } from './fold.ts'

/** Values of one `in`: far above any page, below what engines take as parameters. */
const MAX_IN = 10_000

export const kindOf = (table: TableName, column: string): ColumnKind | undefined =>
  Object.hasOwn(TABLES[table].columns, column)
    ? (TABLES[table].columns[column]!.replace('?', '') as ColumnKind)
    : undefined
export const isNullable = (table: TableName, column: string): boolean =>
  TABLES[table].columns[column]?.endsWith('?') ?? false

/**
 * Lets through columns of the table and comparisons of plain values, nothing else: a relation in a caller's condition could
 * ask about rows the caller may not see.
 * @throws TypeError where the condition is not one
 */
export function checkedWhere(table: TableName, where: unknown, hidden: readonly string[] = []): Condition {
  if (where === undefined) return {}
  if (!isPlainObject(where)) throw new TypeError(`condition on ${table} is not an object`)
  const checked: Condition = {}
  for (const [key, value] of Object.entries(where)) {
    if (value === undefined) continue
    if (key === 'AND' || key === 'OR') {
      if (!Array.isArray(value)) throw new TypeError(`${key} on ${table} is not a list`)
      checked[key] = value.map((each) => checkedWhere(table, each, hidden))
    } else if (key === 'NOT') {
      checked.NOT = checkedWhere(table, value, hidden)
    } else {
      const kind = kindOf(table, key)
      if (kind === undefined || kind === 'json' || hidden.includes(key))
        throw new TypeError(`${table}.${key} cannot be asked about`)
      if (kind === 'boolean' && isPlainObject(value) && Object.keys(value).some((operator) => operator !== 'not'))
        throw new TypeError(`${table}.${key} is true or false; there is nothing between`)
      checked[key] = checkedValue(`${table}.${key}`, value, isNullable(table, key))
    }
  }
  return checked
}

function checkedValue(name: string, value: unknown, nullable: boolean): unknown {
  // Prisma refuses to compare with null what cannot be null; the answer is known anyway.
  if (value === null && !nullable) return { in: [] }
  if (isScalar(value)) return value
  if (!isPlainObject(value)) throw new TypeError(`value for ${name} is not a plain one`)
  const comparison: Condition = {}
  for (const [operator, operand] of Object.entries(value)) {
    if (operand === undefined) continue
    if (!COMPARISONS.has(operator)) throw new TypeError(`${name} knows no comparison "${operator}"`)
    if (operator === 'not' && operand === null && !nullable) comparison.notIn = []
    else if (operator === 'in' || operator === 'notIn') {
      if (!Array.isArray(operand) || operand.length > MAX_IN || !operand.every(isScalar))
        throw new TypeError(`${operator} for ${name} is not a list of at most ${MAX_IN} plain values`)
      comparison[operator] = operand
    } else if (isScalar(operand)) comparison[operator] = operand
    else throw new TypeError(`${operator} for ${name} is not a plain value`)
  }
  return comparison
}

const isScalar = (value: unknown): boolean =>
  value === null ||
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isFinite(value)) ||
  value instanceof Date
const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value) as null)

export type Order = readonly (readonly [string, 'asc' | 'desc'])[]

/** The order with the primary key behind it, so that no two rows are equal in it. */
export function totalOrder(table: TableName, order: Order = [], hidden: readonly string[] = []): Order {
  for (const [column] of order)
    if (kindOf(table, column) === undefined || kindOf(table, column) === 'json' || hidden.includes(column))
      throw new TypeError(`${table} has no order by ${column}`)
  const named = new Set(order.map(([column]) => column))
  const direction = order.at(-1)?.[1] ?? 'asc'
  return [
    ...order,
    ...TABLES[table].primaryKey.filter((column) => !named.has(column)).map((column) => [column, direction] as const),
  ]
}

/** Rows behind the given one. Nulls come first in ascending order, as MySQL and SQLite put them. */
export function rowsAfter(table: TableName, order: Order, values: readonly unknown[]): Condition {
  const alternatives: Condition[] = []
  for (const [index, [column, direction]] of order.entries()) {
    const value = values[index]
    const equal = order.slice(0, index).map(([each], at) => ({ [each]: values[at] }))
    const beyond: Condition[] =
      value === null
        ? direction === 'asc'
          ? [{ [column]: { not: null } }]
          : []
        : direction === 'asc'
          ? [{ [column]: { gt: value } }]
          : [{ [column]: { lt: value } }, ...(isNullable(table, column) ? [{ [column]: null }] : [])]
    for (const each of beyond) alternatives.push({ AND: [...equal, each] })
  }
  return { OR: alternatives }
}

/** Opaque to callers: the order and the last row's place in it. */
export function encodeCursor(order: Order, row: PlainRow): string {
  const values = order.map(([column]) => {
    const value = row[column]
    return value instanceof Date ? value.getTime() : (value ?? null)
  })
  return Buffer.from(
    JSON.stringify([order.map(([column, direction]) => `${column}:${direction}`).join(), ...values]),
  ).toString('base64url')
}
/** @throws ProblemError `invalid_cursor` where the text is no cursor of this order */
export function decodeCursor(table: TableName, order: Order, cursor: string): unknown[] {
  try {
    const [named, ...values] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    if (named !== order.map(([column, direction]) => `${column}:${direction}`).join()) throw new Error('another order')
    if (values.length !== order.length || !values.every(isScalar)) throw new Error('other values')
    return values.map((value, index) => {
      const column = order[index]![0]
      const kind = kindOf(table, column)!
      if (value === null) {
        if (!isNullable(table, column)) throw new Error('null')
        return null
      }
      const expected = kind === 'string' ? 'string' : kind === 'boolean' ? 'boolean' : 'number'
      if (typeof value !== expected) throw new Error('another type')
      return kind === 'date' ? new Date(value as number) : value
    })
  } catch (error) {
    throw new ProblemError('invalid_cursor', undefined, { cause: error })
  }
}
