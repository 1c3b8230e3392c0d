import {
  newId,
  ProblemError,
  type AuditNote,
  type Caller,
  type Changes,
  type ConsumerPosition,
  type NewEvent,
  type NewRow,
  type Row,
  type TableName,
  type Where,
  type WriteOptions,
  type WriteTx,
} from '../../contracts/index.ts'
import { chained, type AuditHead } from './audit-chain.ts'
import { TABLES } from './columns.ts'
import { checkedWhere, isNullable, kindOf } from './conditions.ts'
import type { EngineTx, PlainRow } from './engine.ts'
import { isUnbound, POLICIES, scopeOf } from './policy.ts'
import { createReads, folded, orProblem, scopedWhere } from './reads.ts'

/** Tenant of what happens outside any tenant (settings of the instance, refused sign-ins of nobody). */
export const INSTANCE_TENANT = 'instance'
/** Longest text kept of one value in the audit trail. */
const AUDIT_TEXT = 500
/** Rows of one insert statement, ids of one look-up: an embedded engine holds the event loop for the length of a statement. */
const INSERT_ROWS = 100

const GIVEN = new Set(['id', 'tenantId', 'version', 'createdAt', 'updatedAt'])

interface Note extends Omit<AuditNote, 'tenantId'> {
  tenantId: string
}

/**
 * The write side of one transaction. Audit entries and events are gathered and written by `flush` just before the commit, so
 * that they cost one read and one insert each however many rows change.
 */
export function createWrites(
  engine: EngineTx,
  caller: Caller,
  now: () => number,
): { tx: WriteTx; flush(): Promise<number> } {
  const reads = createReads(engine, caller)
  const notes: Note[] = []
  const events: (NewEvent & { tenantId: string })[] = []
  /** References already seen to be visible in this transaction. */
  const visible = new Set<string>()

  const tenantFor = (given: string | undefined, what: string): string => {
    const tenantId = isUnbound(caller) ? given : caller.tenantId
    if (tenantId === undefined) throw new TypeError(`${what} needs a tenant`)
    // A caller bound to a tenant names no other one, not even by mistake.
    if (given !== undefined && given !== tenantId) throw new ProblemError('not_found')
    return tenantId
  }

  /** What a row refers to must be there, of the same tenant, and visible to the caller. */
  async function checkReferences(
    table: TableName,
    rows: readonly PlainRow[],
    tenantId: string | undefined,
  ): Promise<void> {
    const wanted = new Map<TableName, Set<string>>()
    for (const row of rows) {
      for (const [column, other] of Object.entries(TABLES[table].references)) {
        const id = row[column]
        if (typeof id !== 'string' || visible.has(`${other}:${id}`)) continue
        const ids = wanted.get(other) ?? new Set()
        wanted.set(other, ids.add(id))
      }
    }
    for (const [other, ids] of wanted) {
      const list = [...ids]
      const tenantColumn = POLICIES[other].tenantColumn
      const inTenant = tenantId === undefined || tenantColumn === undefined ? {} : { [tenantColumn]: tenantId }
      for (let at = 0; at < list.length; at += INSERT_ROWS) {
        const part = list.slice(at, at + INSERT_ROWS)
        const where = folded({ AND: [scopeOf(caller, other), inTenant, { id: { in: part } }] })
        if (where === undefined || (await orProblem(engine.count(other, where))) !== part.length)
          throw new ProblemError('not_found', `There is no such ${other} that you may see`)
        for (const id of part) visible.add(`${other}:${id}`)
      }
    }
  }

  function note(table: TableName, action: string, row: PlainRow, details: Record<string, unknown>): void {
    if (!POLICIES[table].audited) return
    const tenantId = row[POLICIES[table].tenantColumn ?? ''] as string | undefined
    const resourceId = TABLES[table].primaryKey.map((column) => String(row[column])).join(':')
    notes.push({ tenantId: tenantId ?? INSTANCE_TENANT, action, resource: table, resourceId, details })
  }

  const tx: WriteTx = {
    ...reads,

    async create(table, values) {
      const [row] = await tx.createMany(table, [values])
      return row!
    },

    async createMany<T extends TableName>(table: T, values: NewRow<T>[]): Promise<Row<T>[]> {
      if (values.length === 0) return []
      const at = new Date(now())
      const rows = values.map((each) => completed(table, each as PlainRow, at, tenantFor))
      const tenants = new Set(rows.map((row) => row.tenantId as string | undefined))
      if (tenants.size === 1) await checkReferences(table, rows, [...tenants][0])
      else for (const row of rows) await checkReferences(table, [row], row.tenantId as string | undefined)
      for (let from = 0; from < rows.length; from += INSERT_ROWS)
        await orProblem(engine.insert(table, rows.slice(from, from + INSERT_ROWS)))
      for (const row of rows) {
        if (typeof row.id === 'string') visible.add(`${table}:${row.id}`)
        note(table, 'create', row, { after: shown(table, row) })
      }
      return rows as unknown as Row<T>[]
    },

    async update<T extends TableName>(table: T, id: string, changes: Changes<T>, options: WriteOptions = {}) {
      const before = await raw(table, id)
      checkVersion(before, options)
      const changed: PlainRow = {}
      for (const [column, value] of Object.entries(changes)) {
        if (value === undefined) continue
        if (kindOf(table, column) === undefined || GIVEN.has(column))
          throw new TypeError(`${table}.${column} cannot be changed`)
        if (!same(before[column], value)) changed[column] = value
      }
      const columns = Object.keys(changed)
      if (columns.length === 0) return before as unknown as Row<T>
      await checkReferences(table, [changed], before.tenantId as string | undefined)
      // Columns of bookkeeping keep the version: a notification that is tried again is not a new one to who edits it.
      const quiet = POLICIES[table].unaudited ?? []
      const meaningful = columns.some((column) => !quiet.includes(column))
      const where: PlainRow = { [TABLES[table].primaryKey[0]!]: id }
      if (kindOf(table, 'version') !== undefined) {
        where.version = before.version
        if (meaningful) changed.version = (before.version as number) + 1
      }
      if (meaningful && kindOf(table, 'updatedAt') !== undefined) changed.updatedAt = new Date(now())
      if ((await orProblem(engine.update(table, where, changed))) !== 1) throw new ProblemError('stale')
      const after = { ...before, ...changed }
      if (meaningful) {
        const fields: Record<string, unknown> = {}
        const secret = POLICIES[table].secret ?? []
        for (const column of columns)
          fields[column] = secret.includes(column)
            ? ['(secret)', '(secret)']
            : [auditValue(before[column]), auditValue(after[column])]
        note(table, 'update', before, { fields })
      }
      return after as unknown as Row<T>
    },

    async remove(table, id, options = {}) {
      const before = await raw(table, id)
      checkVersion(before, options)
      if ((await orProblem(engine.remove(table, { [TABLES[table].primaryKey[0]!]: id }))) !== 1)
        throw new ProblemError('not_found')
      visible.delete(`${table}:${id}`)
      note(table, 'remove', before, { before: shown(table, before) })
    },

    async removeWhere<T extends TableName>(table: T, where: Where<T>): Promise<number> {
      if (Object.keys(checkedWhere(table, where)).length === 0)
        throw new TypeError(`removeWhere on ${table} needs a condition`)
      const scoped = scopedWhere(caller, table, where)
      if (scoped === undefined) return 0
      if (!POLICIES[table].audited) return await orProblem(engine.remove(table, scoped))
      const rows = await orProblem(engine.find(table, { where: scoped }))
      if (rows.length === 0) return 0
      await orProblem(engine.remove(table, scoped))
      for (const row of rows) note(table, 'remove', row, { before: shown(table, row) })
      return rows.length
    },

    async updateWhere<T extends TableName>(table: T, where: Where<T>, changes: Changes<T>): Promise<number> {
      const quiet = POLICIES[table].unaudited ?? []
      if (POLICIES[table].audited && !Object.keys(changes).every((column) => quiet.includes(column)))
        throw new TypeError(`${table} is audited: rows change one by one`)
      const scoped = scopedWhere(caller, table, where)
      if (scoped === undefined) return 0
      for (const column of Object.keys(changes))
        if (kindOf(table, column) === undefined || GIVEN.has(column) || column in TABLES[table].references)
          throw new TypeError(`${table}.${column} cannot be changed`)
      return await orProblem(engine.update(table, scoped, changes as PlainRow))
    },

    emit(event) {
      events.push({ ...event, tenantId: tenantFor(event.tenantId, 'an event') } as NewEvent & { tenantId: string })
    },

    audit(entry) {
      notes.push({ ...entry, tenantId: caller.tenantId ?? entry.tenantId ?? INSTANCE_TENANT })
    },

    next: (sequence) => orProblem(engine.increment(sequence, 1)),

    async advance({ topic, consumer, partition, offset }: ConsumerPosition) {
      const key = { topic, consumer, partition }
      const [saved] = await orProblem(engine.find('consumerOffset', { where: key, limit: 1 }))
      const updatedAt = new Date(now())
      if (saved === undefined) await orProblem(engine.insert('consumerOffset', [{ ...key, offset, updatedAt }]))
      else if ((saved.offset as number) >= offset) return false
      else await orProblem(engine.update('consumerOffset', key, { offset, updatedAt }))
      return true
    },
  }

  /** The row with its secrets, under the caller's scope. */
  async function raw(table: TableName, id: string): Promise<PlainRow> {
    const { primaryKey } = TABLES[table]
    if (primaryKey.length !== 1) throw new TypeError(`${table} has no single key`)
    const where = scopedWhere(caller, table, { [primaryKey[0]!]: id })
    const [row] = where === undefined ? [] : await orProblem(engine.find(table, { where, limit: 1 }))
    if (row === undefined) throw new ProblemError('not_found')
    return row
  }

  /** Writes what was gathered. Returns the number of events, so that a relay can be woken after the commit. */
  async function flush(): Promise<number> {
    await flushAudit(engine, caller, notes, now)
    if (events.length > 0) {
      const last = await orProblem(engine.increment('outbox', events.length))
      const at = now()
      const rows = events.map((event, index) => {
        const version = last - events.length + 1 + index
        const payload = JSON.stringify({ ...event, version, at })
        return {
          version,
          tenantId: event.tenantId,
          type: event.type,
          payload,
          createdAt: new Date(at),
          publishedAt: null,
        }
      })
      for (let from = 0; from < rows.length; from += INSERT_ROWS)
        await orProblem(engine.insert('outbox', rows.slice(from, from + INSERT_ROWS)))
    }
    return events.length
  }

  return { tx, flush }
}

async function flushAudit(engine: EngineTx, caller: Caller, notes: Note[], now: () => number): Promise<void> {
  const heads = new Map<string, AuditHead | undefined>()
  for (const tenantId of new Set(notes.map((note) => note.tenantId))) {
    const [head] = await orProblem(engine.find('audit', { where: { tenantId }, orderBy: [{ seq: 'desc' }], limit: 1 }))
    heads.set(tenantId, head as AuditHead | undefined)
  }
  const at = new Date(now())
  const actor = caller.onBehalfOf ?? caller
  const rows = notes.map((note) => {
    const entry = chained(heads.get(note.tenantId), {
      id: newId(at.getTime()),
      tenantId: note.tenantId,
      at,
      actorKind: actor.kind,
      actorId: actor.id,
      action: note.action,
      resource: note.resource,
      resourceId: note.resourceId ?? null,
      details: JSON.stringify({ ...note.details, origin: caller.origin }),
    })
    heads.set(note.tenantId, entry)
    return entry as unknown as PlainRow
  })
  for (let from = 0; from < rows.length; from += INSERT_ROWS)
    await orProblem(engine.insert('audit', rows.slice(from, from + INSERT_ROWS)))
}

function completed(
  table: TableName,
  values: PlainRow,
  at: Date,
  tenantFor: (given: string | undefined, what: string) => string,
): PlainRow {
  const row: PlainRow = {}
  for (const column of Object.keys(values))
    if (kindOf(table, column) === undefined && values[column] !== undefined)
      throw new TypeError(`${table} has no column ${column}`)
  for (const column of Object.keys(TABLES[table].columns)) {
    const value = values[column]
    if (column === 'tenantId') row.tenantId = tenantFor(value as string | undefined, table)
    else if (value !== undefined) row[column] = value
    else if (column === 'id') row.id = newId(at.getTime())
    else if (column === 'version') row.version = 1
    else if (column === 'createdAt' || column === 'updatedAt') row[column] = at
    else if (isNullable(table, column)) row[column] = null
    else throw new TypeError(`${table}.${column} is missing`)
  }
  return row
}

function checkVersion(row: PlainRow, options: WriteOptions): void {
  if (options.ifVersion !== undefined && row.version !== options.ifVersion) throw new ProblemError('stale')
}

function same(left: unknown, right: unknown): boolean {
  if (left instanceof Date && right instanceof Date) return left.getTime() === right.getTime()
  if (typeof left === 'object' && left !== null && typeof right === 'object' && right !== null)
    return JSON.stringify(sorted(left)) === JSON.stringify(sorted(right))
  return left === right
}
/** JSON columns come back with their keys in the database's order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  )
}

function auditValue(value: unknown): unknown {
  if (typeof value === 'string' && value.length > AUDIT_TEXT) return `${value.slice(0, AUDIT_TEXT)}…`
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    const text = JSON.stringify(value)
    return text.length > AUDIT_TEXT ? `${text.slice(0, AUDIT_TEXT)}…` : value
  }
  return value
}
/** What the trail keeps of a whole row: its facts, without secrets and bookkeeping. */
function shown(table: TableName, row: PlainRow): Record<string, unknown> {
  const { secret = [], unaudited = [] } = POLICIES[table]
  const facts: Record<string, unknown> = {}
  for (const [column, value] of Object.entries(row))
    if (value !== null && !GIVEN.has(column) && !secret.includes(column) && !unaudited.includes(column))
      facts[column] = auditValue(value)
  return facts
}
