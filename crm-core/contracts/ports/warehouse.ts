/**
 * The analytics store. Its language is ClickHouse SQL: the embedded engine and the server run the same text.
 * Promises: an insert resolves when the rows are visible; inserting the same rows again changes nothing a reader sees;
 * a query is bounded in time and rows; a light query never waits behind a heavy one; the tenant filter is applied by the
 * engine as well as by the SQL.
 */
import type { SiteId, TenantId } from '../ids.ts'

/** SQL text whose every value went through the `sql` tag of crm-core: the only thing a warehouse runs. */
export interface Sql {
  readonly text: string
}

/** Whose rows a query may see. The engine enforces it on every table that has the columns, whatever the SQL says. */
export interface DataScope {
  tenantId: TenantId
  /** Absent: every site of the tenant; only for callers whose rights cover the tenant. */
  siteIds?: readonly SiteId[]
}

export type QueryLane = 'light' | 'heavy'
export interface QueryOptions {
  /** `'system'` is for workers and checks that serve no caller. */
  scope: DataScope | 'system'
  lane: QueryLane
  /** Milliseconds. Default 10 000 light, 60 000 heavy. */
  timeoutMs?: number
  /** Rows answered at most; one more is an error, never a silent cut. Default 100 000. */
  maxRows?: number
  signal?: AbortSignal
}

/** Rows of one table in the engine's own form. */
export class RowBlock {
  /** Columns that the rows have; the others take their defaults. */
  readonly columns: readonly string[]
  readonly bytes: Uint8Array
  readonly rows: number
  /** Months since year 0 that the rows lie in: an engine bounds how many one insert may touch. */
  readonly months: ReadonlySet<number>
  constructor(columns: readonly string[], bytes: Uint8Array, rows: number, months: ReadonlySet<number>) {
    this.columns = columns
    this.bytes = bytes
    this.rows = rows
    this.months = months
  }
}

export interface Warehouse {
  /** Connects and applies pending migrations. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Rows as objects; 64-bit integers as numbers where safe, instants as UTC milliseconds when selected so. */
  query<Row extends object>(sql: Sql, options: QueryOptions): Promise<Row[]>
  /** Rows in pieces, for exports. */
  stream<Row extends object>(sql: Sql, options: QueryOptions): AsyncIterable<Row[]>
  /** A statement without rows (insert-select, delete of a tenant's data). */
  execute(sql: Sql, options: QueryOptions): Promise<void>
  /**
   * Rows made ready to be sent, so that the rows themselves need not be kept until they are. Nothing is sent.
   * @throws WarehouseError `warehouse_rejected` where the table cannot take a row
   */
  encode(table: string, rows: readonly object[]): RowBlock[]
  /**
   * Inserts rows of one table. Sent again (after a lost answer, or a crash) they change nothing that a reader sees; an engine must not
   * leave out what it believes it has seen, since it may have died between remembering rows and keeping them.
   * @param rows as objects, or as `encode` of the same table made them
   */
  insert(table: string, rows: readonly object[] | readonly RowBlock[]): Promise<void>
  health(): Promise<{ ok: boolean; detail?: string }>
}

export type WarehouseErrorCode =
  | 'warehouse_unavailable'
  | 'warehouse_timeout'
  | 'warehouse_too_many_rows'
  | 'warehouse_rejected'
  | 'warehouse_bad_query'
export class WarehouseError extends Error {
  readonly code: WarehouseErrorCode
  readonly retryable: boolean
  constructor(code: WarehouseErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'WarehouseError'
    this.code = code
    this.retryable = code === 'warehouse_unavailable' || code === 'warehouse_timeout'
  }
}
