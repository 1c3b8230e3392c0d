/**
 * SQL of MySQL and MariaDB for the conditions that the access layer lets through (`crm-core/src/database`): names are those of
 * the schema, values are always parameters.
 */
import { type Condition, RELATIONS, TABLES } from '@heliograph/crm-core'
import type { TableName } from '@heliograph/crm-core/contracts'

export type SqlValue = string | number | null
export interface Sql {
  text: string
  values: SqlValue[]
}

/** People search without a thought for capitals, and columns are compared by bytes. */
const SEARCH_COLLATION = 'utf8mb4_unicode_520_ci'
const OPERATORS = { lt: '<', lte: '<=', gt: '>', gte: '>=' } as const

export const sqlTable = (table: TableName): string => `\`${table.charAt(0).toUpperCase()}${table.slice(1)}\``

/** As `DATETIME(3)` in UTC. */
export const sqlInstant = (at: Date): string => at.toISOString().slice(0, 23).replace('T', ' ')

/** @throws TypeError for a name that the schema does not have */
export function sqlCondition(table: TableName, alias: string, condition: Condition): Sql {
  const values: SqlValue[] = []
  let aliases = 0

  function all(of: TableName, as: string, each: Condition): string {
    const parts = Object.entries(each).map(([key, value]) => one(of, as, key, value))
    return parts.length === 0 ? 'TRUE' : parts.length === 1 ? parts[0]! : `(${parts.join(' AND ')})`
  }
  function one(of: TableName, as: string, key: string, value: unknown): string {
    if (key === 'AND' || key === 'OR')
      return `(${(value as Condition[]).map((each) => all(of, as, each)).join(` ${key} `)})`
    if (key === 'NOT') return `NOT (${all(of, as, value as Condition)})`
    const relation = Object.hasOwn(RELATIONS[of], key) ? RELATIONS[of][key] : undefined
    if (relation) {
      const { is, some } = value as { is?: Condition; some?: Condition }
      const other = `${alias}${++aliases}`
      const on = relation.on.map(([own, theirs]) => `${other}.\`${theirs}\` = ${as}.\`${own}\``)
      const inner = all(relation.table, other, is ?? some ?? {})
      return `EXISTS (SELECT 1 FROM ${sqlTable(relation.table)} ${other} WHERE ${on.join(' AND ')} AND ${inner})`
    }
    if (!Object.hasOwn(TABLES[of].columns, key)) throw new TypeError(`${of} has no column ${key}`)
    return compared(`${as}.\`${key}\``, value)
  }
  function compared(column: string, value: unknown): string {
    if (value === null) return `${column} IS NULL`
    if (typeof value !== 'object' || value instanceof Date) return `${column} = ${parameter(value)}`
    const parts = Object.entries(value).map(([operator, operand]) => comparison(column, operator, operand))
    return parts.length === 1 ? parts[0]! : `(${parts.join(' AND ')})`
  }
  function comparison(column: string, operator: string, operand: unknown): string {
    switch (operator) {
      case 'not':
        return operand === null ? `${column} IS NOT NULL` : `${column} <> ${parameter(operand)}`
      case 'in':
        return `${column} IN (${list(operand as unknown[])})`
      case 'notIn':
        return `${column} NOT IN (${list(operand as unknown[])})`
      case 'contains':
        return `${column} COLLATE ${SEARCH_COLLATION} LIKE ${parameter(`%${escaped(operand)}%`)}`
      case 'startsWith':
        return `${column} COLLATE ${SEARCH_COLLATION} LIKE ${parameter(`${escaped(operand)}%`)}`
      default:
        if (!Object.hasOwn(OPERATORS, operator)) throw new TypeError(`no comparison ${operator}`)
        return `${column} ${OPERATORS[operator as keyof typeof OPERATORS]} ${parameter(operand)}`
    }
  }
  function parameter(value: unknown): string {
    values.push(sqlValue(value))
    return '?'
  }
  /** Padded to a power of two by its last value, so that lists of all lengths are a few prepared statements. */
  function list(operands: readonly unknown[]): string {
    const size = 2 ** Math.ceil(Math.log2(Math.max(1, operands.length)))
    return Array.from({ length: size }, (_, index) => parameter(operands[Math.min(index, operands.length - 1)])).join()
  }

  const text = all(table, alias, condition)
  return { text, values }
}

function sqlValue(value: unknown): SqlValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Date) return sqlInstant(value)
  throw new TypeError(`a value of type ${typeof value} in a condition`)
}
/** What is searched for stands for itself. */
const escaped = (value: unknown): string => String(value).replaceAll(/[\\%_]/g, (letter) => `\\${letter}`)
