import {
  ProblemError,
  type Caller,
  type FindQuery,
  type Page,
  type PageQuery,
  type ReadDb,
  type Row,
  type TableName,
  type Where,
} from '../../contracts/index.ts'
import { TABLES } from './columns.ts'
import { checkedWhere, decodeCursor, encodeCursor, rowsAfter, totalOrder } from './conditions.ts'
import { fold } from './fold.ts'
import { CrmEngineError, type Condition, type EngineReads, type PlainRow } from './engine.ts'
import { isSystem, POLICIES, scopeOf } from './policy.ts'

const FIND_LIMIT = 1_000
const PAGE_LIMIT = 500
const ALL_LIMIT = 200_000

/** The caller's condition and the scope together: the only `where` that reaches an engine. Undefined: no row can match. */
export function scopedWhere(
  caller: Caller,
  table: TableName,
  where: unknown,
  more: Condition = {},
): Condition | undefined {
  return folded({ AND: [scopeOf(caller, table), checkedWhere(table, where, hiddenFrom(caller, table)), more] })
}
/** Columns that a caller can neither read nor ask about: a condition on a secret would tell it bit by bit. */
const hiddenFrom = (caller: Caller, table: TableName): readonly string[] => [
  ...(isSystem(caller) ? [] : (POLICIES[table].secret ?? [])),
  ...(caller.portal === true ? (POLICIES[table].internal ?? []) : []),
]
export function folded(condition: Condition): Condition | undefined {
  const result = fold(condition)
  return result === false ? undefined : result === true ? {} : result
}

/** Secrets never leave the layer except to the system's own code, and what is meant for staff not to customers. */
function withoutSecrets(caller: Caller, table: TableName, row: PlainRow): PlainRow {
  const { secret = [], internal = [], keptFrom } = POLICIES[table]
  const hidden = isSystem(caller) || keptFrom?.(caller, row) === false ? [] : secret
  const inner = caller.portal === true ? internal : []
  if (hidden.length === 0 && inner.length === 0) return row
  const shown = { ...row }
  for (const column of hidden) if (shown[column] !== null) shown[column] = ''
  for (const column of inner) shown[column] = null
  return shown
}

/** A problem for what the engine refused; anything else passes. */
export function asProblem(error: unknown): unknown {
  if (!(error instanceof CrmEngineError)) return error
  const options = { cause: error }
  if (error.code === 'unique') return new ProblemError('conflict', 'There is one like this already', options)
  if (error.code === 'reference') return new ProblemError('in_use', undefined, options)
  if (error.code === 'rejected') return new ProblemError('internal', undefined, options)
  return new ProblemError('unavailable', undefined, { ...options, retryAfterS: 1 })
}
export async function orProblem<R>(work: Promise<R>): Promise<R> {
  try {
    return await work
  } catch (error) {
    throw asProblem(error)
  }
}

/** Reads of one caller over an engine or a transaction of it. */
export function createReads(engine: EngineReads, caller: Caller): ReadDb {
  async function rows<T extends TableName>(
    table: T,
    query: FindQuery<T>,
    limit: number,
    after?: readonly unknown[],
  ): Promise<Row<T>[]> {
    const order = totalOrder(table, query.orderBy, hiddenFrom(caller, table))
    const where = scopedWhere(
      caller,
      table,
      query.where,
      after === undefined ? undefined : rowsAfter(table, order, after),
    )
    if (where === undefined) return []
    const orderBy = order.map(([column, direction]) => ({ [column]: direction }))
    const found = await orProblem(engine.find(table, { where, orderBy, limit }))
    return found.map((row) => withoutSecrets(caller, table, row)) as unknown as Row<T>[]
  }

  const reads: ReadDb = {
    caller,
    find: (table, query = {}) => rows(table, query, Math.min(query.limit ?? FIND_LIMIT, FIND_LIMIT)),

    async all<T extends TableName>(table: T, where?: Where<T>): Promise<Row<T>[]> {
      const everything: Row<T>[] = []
      const order = totalOrder(table)
      let after: unknown[] | undefined
      for (;;) {
        const batch = await rows(table, { where }, 5_000, after)
        for (const row of batch) everything.push(row)
        if (batch.length < 5_000) return everything
        if (everything.length > ALL_LIMIT) throw new ProblemError('too_many_rows')
        const last = batch.at(-1) as unknown as PlainRow
        after = order.map(([column]) => last[column])
      }
    },

    async page<T extends TableName>(table: T, query: PageQuery<T>): Promise<Page<Row<T>>> {
      const limit = Math.max(1, Math.min(query.limit ?? 50, PAGE_LIMIT))
      const order = totalOrder(table, query.orderBy)
      const after = query.cursor === undefined ? undefined : decodeCursor(table, order, query.cursor)
      const found = await rows(table, query, limit + 1, after)
      if (found.length <= limit) return { items: found, nextCursor: null }
      const items = found.slice(0, limit)
      return { items, nextCursor: encodeCursor(order, items.at(-1) as unknown as PlainRow) }
    },

    async first(table, where) {
      const found = await rows(table, { where }, 1)
      return found[0]
    },

    async get<T extends TableName>(table: T, id: string): Promise<Row<T>> {
      const { primaryKey } = TABLES[table]
      if (primaryKey.length !== 1) throw new TypeError(`${table} has no single key`)
      const found = await rows(table, { where: { [primaryKey[0]!]: id } as Where<T> }, 1)
      if (found[0] === undefined) throw new ProblemError('not_found')
      return found[0]
    },

    async count(table, where) {
      const scoped = scopedWhere(caller, table, where)
      return scoped === undefined ? 0 : await orProblem(engine.count(table, scoped))
    },

    clock: () => orProblem(engine.clock()),
  }
  return reads
}
