/**
 * What an engine has to do for the access layer: plain reads and writes of plain rows, one transaction at a time. Tenancy,
 * visibility, audit, versions and events are the layer's (`crm-database.ts`) and the same over every engine.
 */
import type { TableName } from '../../contracts/index.ts'

/** A condition tree: columns, `AND`, `OR`, `NOT`, and relations of the schema (`{ site: { customerId: … } }`). Never empty: the layer folds constants before. */
export type Condition = { [key: string]: unknown }
export type PlainRow = Record<string, unknown>

export interface EngineQuery {
  where?: Condition
  orderBy?: Record<string, 'asc' | 'desc'>[]
  limit?: number
}
export interface EngineReads {
  find(table: TableName, query: EngineQuery): Promise<PlainRow[]>
  count(table: TableName, where: Condition): Promise<number>
  /** UTC milliseconds by the database's clock. */
  clock(): Promise<number>
}
export interface EngineTx extends EngineReads {
  insert(table: TableName, rows: PlainRow[]): Promise<void>
  /** Number of rows changed. */
  update(table: TableName, where: Condition, changes: PlainRow): Promise<number>
  remove(table: TableName, where: Condition): Promise<number>
  /** Adds to a sequence, made when absent, and answers its new value; holds it until the transaction ends. */
  increment(sequence: string, by: number): Promise<number>
}
export interface CrmEngine {
  start(): Promise<void>
  stop(): Promise<void>
  health(): Promise<{ ok: boolean; detail?: string }>
  /** Reads of what is committed; they never wait for a writer. */
  readonly reads: EngineReads
  /** Runs `work` in one transaction; again on a deadlock or a lost connection. Writers queue. */
  transaction<R>(work: (tx: EngineTx) => Promise<R>): Promise<R>
}

/** Engines throw nothing else on purpose. */
export class CrmEngineError extends Error {
  readonly code: 'unique' | 'reference' | 'busy' | 'unavailable' | 'rejected'
  constructor(code: CrmEngineError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'CrmEngineError'
    this.code = code
  }
}
