/**
 * The warehouse on ClickHouse through its HTTP interface: a server, or the embedded engine behind `chdb-server.ts`.
 */
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { createClient, type ClickHouseClient, type ClickHouseSettings } from '@clickhouse/client'
import {
  RowBlock,
  WarehouseError,
  type DataScope,
  type QueryOptions,
  type Sql,
  type Warehouse,
} from '@heliograph/crm-core/contracts'
import { splitBlocks, together, type Split } from './blocks.ts'
import { LANE_HEADER } from './chdb-headers.ts'
import { linesOf, noAnswer, noException } from './clickhouse-answer.ts'
import { toWarehouseError } from './errors.ts'
import type { Lane } from './lanes.ts'
import { migrate, readMigrations } from './migrate.ts'
import { encodeNativeBlock, RowError, type ColumnType } from './native-block.ts'
import { tableFilters } from './scope.ts'

export interface ClickhouseWarehouseOptions {
  /** `http://host:port`; the path may name the database. */
  url: string
  username?: string
  password?: string
  /** Default `heliograph`; made when absent. */
  database?: string
  /** Sent with every request: the embedded engine's token. */
  headers?: Record<string, string>
  /** Folder of the migrations. Default: those of this release. */
  migrations?: URL
  /** Called with the names of migrations this start applied. */
  onMigrated?: (names: string[]) => void
  /** Longest wait for one block, which is then sent again. Default 120 000 ms. */
  insertTimeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = { light: 10_000, heavy: 60_000 } as const
const DEFAULT_MAX_ROWS = 100_000
/** A store that hangs is as good as down; whoever asks for its health must hear so soon. */
const HEALTH_TIMEOUT_MS = 900
const INSERT_TIMEOUT_MS = 120_000
/** Of a statement at start: one migration of a large table at most. */
const START_TIMEOUT_MS = 600_000
/** A block of so many rows is an insert of its own: it is sent the columns that its own rows have, and no others. */
const OWN_COLUMNS_ROWS = 10_000

const SETTINGS: ClickHouseSettings = {
  output_format_json_quote_64bit_integers: 0,
  output_format_json_quote_denormals: 0,
  // An answer is complete or an error, never half of it with status 200.
  wait_end_of_query: 1,
  // Not as a row among rows either.
  http_write_exception_in_output_format: 0,
  max_query_size: '33554432',
  max_ast_elements: '1000000',
  max_expanded_ast_elements: '2000000',
  result_overflow_mode: 'throw',
  // Rows of one key never lie in two partitions: every table is partitioned by a part of its key.
  do_not_merge_across_partitions_select_final: 1,
  max_bytes_before_external_sort: '500000000',
  max_bytes_before_external_group_by: '500000000',
}
const INSERT_SETTINGS: ClickHouseSettings = {
  // On by default in new engines; an acknowledged row must be visible.
  async_insert: 0,
  // Parts may come faster than they are merged for a while; a refusal would only make the log wait.
  date_time_input_format: 'best_effort',
  // Rows of one key in one insert are told apart when they are read, as those of two inserts are: merging a block with itself first
  // costs as much as all else of an insert.
  optimize_on_insert: 0,
}

/**
 * The engine notes a block as seen before it keeps it, and leaves out what it has seen: killed in between, it would leave out the
 * very rows that are sent again. A name of its own for each insert makes every block a new one; tables keep one row a key, so a row
 * that is sent twice costs its merging and nothing else.
 */
const unlikeAnyOther = (): ClickHouseSettings => ({ insert_deduplication_token: randomUUID() })

export function createClickhouseWarehouse(options: ClickhouseWarehouseOptions): Warehouse {
  const database = options.database ?? 'heliograph'
  if (!/^[a-z_][a-z0-9_]*$/i.test(database)) throw new WarehouseError('warehouse_bad_query', 'bad name of a database')
  let client: ClickHouseClient | undefined
  let tables: ReadonlyMap<string, ColumnType[]> = new Map()
  let columnNames: ReadonlyMap<string, ReadonlySet<string>> = new Map()
  /** Columns that a small block had once are sent always: blocks of the same columns go in one insert. */
  const sentColumns = new Map<string, Set<string>>()

  function connect(toDatabase: string): ClickHouseClient {
    return createClient({
      url: options.url,
      database: toDatabase,
      username: options.username,
      password: options.password,
      http_headers: options.headers,
      max_open_connections: 32,
      request_timeout: 600_000,
      // Node's agent lets a socket go before the time that the server names. The client's own timer (`idle_socket_ttl`) is off: where a
      // query is called off before it is sent, it is set twice and cleared once, and cuts whoever uses the socket later.
      keep_alive: { enabled: true, idle_socket_ttl: 0 },
      clickhouse_settings: SETTINGS,
      log: { level: 127 },
    })
  }
  function running(): ClickHouseClient {
    if (!client) throw new WarehouseError('warehouse_unavailable', 'the warehouse is not started')
    return client
  }
  const headersFor = (lane: Lane): Record<string, string> => ({ [LANE_HEADER]: lane })

  /** The query's own text with the engine's filter in it; the text of a caller can neither replace nor end it. */
  function scoped(sql: Sql, scope: DataScope | 'system'): string {
    if (scope === 'system') return sql.text
    if (/additional_table_filters|\bSETTINGS\b/i.test(sql.text.replace(/'(?:[^'\\]|\\.|'')*'/g, "''")))
      throw new WarehouseError('warehouse_bad_query', 'a scoped query may not carry settings of its own')
    const filters = tableFilters(sql.text, scope, columnNames, database)
    return filters ? `${sql.text}\nSETTINGS additional_table_filters = ${filters}` : sql.text
  }

  /** Time and rows of one query, and whose fault its end was. */
  function bounds({
    scope,
    lane,
    timeoutMs = DEFAULT_TIMEOUT_MS[lane],
    maxRows = DEFAULT_MAX_ROWS,
    signal,
  }: QueryOptions) {
    const timeout = AbortSignal.timeout(timeoutMs)
    return {
      maxRows,
      request: {
        abort_signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
        http_headers: headersFor(lane === 'heavy' && scope === 'system' ? 'system' : lane),
        clickhouse_settings: {
          max_execution_time: Math.max(1, Math.ceil(timeoutMs / 1000)),
          max_result_rows: String(maxRows),
          max_memory_usage: lane === 'light' ? '1000000000' : '3000000000',
        } satisfies ClickHouseSettings,
      },
      explain: (error: unknown): WarehouseError => {
        if (timeout.aborted)
          return new WarehouseError('warehouse_timeout', `no answer within ${timeoutMs} ms`, { cause: error })
        if (signal?.aborted)
          return new WarehouseError('warehouse_timeout', 'the query was called off', { cause: error })
        return toWarehouseError(error, 'query')
      },
    }
  }
  const tooMany = (maxRows: number): WarehouseError =>
    new WarehouseError('warehouse_too_many_rows', `the answer has more than ${maxRows} rows`)

  interface Request {
    abort_signal: AbortSignal
    http_headers: Record<string, string>
    clickhouse_settings?: ClickHouseSettings
  }
  /** Lines of an answer as they come. The client reads answers itself too, but past an exception in them and past their time. */
  async function* lines(of: ClickHouseClient, query: string, request: Request): AsyncGenerator<string[]> {
    const { stream } = await againWhereReset(() => of.exec({ query, ...request }), request.abort_signal)
    yield* linesOf(stream, request.abort_signal)
  }
  async function rowsOf<Row>(of: ClickHouseClient, query: string, request: Request): Promise<Row[]> {
    const rows: Row[] = []
    for await (const some of lines(of, `${query}\nFORMAT JSONEachRow`, request))
      for (const line of some) rows.push(JSON.parse(line) as Row)
    return rows
  }
  async function command(of: ClickHouseClient, query: string, request: Request): Promise<void> {
    const { stream } = await of.exec({ query, ...request })
    await noException(stream, request.abort_signal)
  }
  const atStart = (): Request => ({
    abort_signal: AbortSignal.timeout(START_TIMEOUT_MS),
    http_headers: headersFor('system'),
  })

  async function readTables(): Promise<void> {
    const columnsOfAll = await rowsOf<{ table: string; name: string; type: string }>(
      running(),
      `SELECT table, name, type FROM system.columns WHERE database = '${database}' AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') ORDER BY table, position`,
      atStart(),
    )
    const found = new Map<string, ColumnType[]>()
    for (const { table, name, type } of columnsOfAll) {
      const columns = found.get(table) ?? []
      columns.push({ name, type })
      found.set(table, columns)
    }
    tables = found
    columnNames = new Map([...found].map(([table, columns]) => [table, new Set(columns.map(({ name }) => name))]))
  }

  /** Blocks of the same columns follow each other in one insert: the engine makes one part of them. */
  async function insertBlocks(table: string, blocks: readonly RowBlock[]): Promise<void> {
    const timeoutMs = options.insertTimeoutMs ?? INSERT_TIMEOUT_MS
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      await sendBlocks(table, blocks, signal)
    } catch (error) {
      if (!signal.aborted) throw error
      throw new WarehouseError('warehouse_unavailable', `no answer within ${timeoutMs} ms`, { cause: error })
    }
  }
  async function sendBlocks(table: string, blocks: readonly RowBlock[], signal: AbortSignal): Promise<void> {
    const { stream } = await running().exec({
      query: `INSERT INTO ${table} (${blocks[0]!.columns.join(', ')}) FORMAT Native`,
      values: Readable.from(
        blocks.map(({ bytes }) => bytes),
        { objectMode: false },
      ),
      http_headers: headersFor('insert'),
      abort_signal: signal,
      clickhouse_settings: { ...INSERT_SETTINGS, ...unlikeAnyOther() },
    })
    await noAnswer(stream, signal)
  }

  function encoderOf(table: string): (split: Split) => RowBlock {
    const columns = tables.get(table)
    if (!columns) throw new WarehouseError('warehouse_bad_query', `no such table: ${table}`)
    const ofSmall = sentColumns.get(table) ?? new Set()
    sentColumns.set(table, ofSmall)
    return ({ rows, months }) => {
      const always = rows.length < OWN_COLUMNS_ROWS ? ofSmall : undefined
      try {
        const block = encodeNativeBlock(rows as readonly Record<string, unknown>[], columns, always)
        for (const name of block.columns) always?.add(name)
        return new RowBlock(block.columns, block.bytes, rows.length, months)
      } catch (error) {
        if (error instanceof RowError) throw new WarehouseError('warehouse_rejected', error.message, { cause: error })
        throw error
      }
    }
  }
  const encode = (table: string, rows: readonly object[]): RowBlock[] => splitBlocks(rows).map(encoderOf(table))
  /** Hundreds of thousands of rows take a second to make ready: what else this process does has its turn in between. */
  async function encodeInTurns(table: string, rows: readonly object[]): Promise<RowBlock[]> {
    const toBlock = encoderOf(table)
    const blocks: RowBlock[] = []
    for (const split of splitBlocks(rows)) {
      if (blocks.length > 0) await turn()
      blocks.push(toBlock(split))
    }
    return blocks
  }

  return {
    async start() {
      const bootstrap = connect('default')
      try {
        await command(bootstrap, `CREATE DATABASE IF NOT EXISTS ${database}`, atStart())
      } catch (error) {
        throw toWarehouseError(error, 'query')
      } finally {
        await bootstrap.close()
      }
      const connected = connect(database)
      client = connected
      try {
        const folder = options.migrations ?? new URL('./migrations/', import.meta.url)
        const applied = await migrate(
          {
            run: (query) => command(connected, query, atStart()),
            rows: <Row extends object>(query: string) => rowsOf<Row>(connected, query, atStart()),
          },
          await readMigrations(folder),
        )
        if (applied.length > 0) options.onMigrated?.(applied)
        await readTables()
      } catch (error) {
        client = undefined
        await connected.close()
        throw toWarehouseError(error, 'query')
      }
    },
    async stop() {
      const connected = client
      client = undefined
      await connected?.close()
    },

    async query<Row extends object>(sql: Sql, queryOptions: QueryOptions): Promise<Row[]> {
      const { maxRows, request, explain } = bounds(queryOptions)
      try {
        const rows = await rowsOf<Row>(running(), scoped(sql, queryOptions.scope), request)
        if (rows.length > maxRows) throw tooMany(maxRows)
        return rows
      } catch (error) {
        throw explain(error)
      }
    },
    async *stream<Row extends object>(sql: Sql, queryOptions: QueryOptions): AsyncGenerator<Row[]> {
      const { maxRows, request, explain } = bounds(queryOptions)
      let seen = 0
      try {
        // Names once instead of in every row: a third of the text, which both sides would else spend most of their time on.
        const query = `${scoped(sql, queryOptions.scope)}\nFORMAT JSONCompactEachRowWithNames`
        let names: string[] | undefined
        for await (const some of lines(running(), query, request)) {
          if (names === undefined) names = JSON.parse(some.shift()!) as string[]
          seen += some.length
          if (seen > maxRows) throw tooMany(maxRows)
          if (some.length > 0) yield some.map((line) => named<Row>(names!, JSON.parse(line) as unknown[]))
        }
      } catch (error) {
        throw explain(error)
      }
    },
    async execute(sql, queryOptions) {
      const { request, explain } = bounds(queryOptions)
      const { max_result_rows: _, ...settings } = request.clickhouse_settings
      try {
        await command(running(), scoped(sql, queryOptions.scope), {
          ...request,
          clickhouse_settings: {
            ...settings,
            ...unlikeAnyOther(),
            async_insert: 0,
            max_partitions_per_insert_block: '0',
          },
        })
      } catch (error) {
        throw explain(error)
      }
    },

    encode,
    async insert(table, rows) {
      if (rows.length === 0) return
      running()
      const blocks = rows[0] instanceof RowBlock ? (rows as readonly RowBlock[]) : await encodeInTurns(table, rows)
      try {
        for (const some of together(blocks)) await insertBlocks(table, some)
      } catch (error) {
        throw toWarehouseError(error, 'insert')
      }
    },
    async health() {
      if (!client) return { ok: false, detail: 'not started' }
      const result = await client.ping({ select: false, abort_signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) })
      return result.success ? { ok: true } : { ok: false, detail: result.error.message }
    },
  }
}

/**
 * Asks once more where the connection had been given up by the other side (a balancer's idle time, a server that ended) before it
 * was used: what reads may be said twice.
 */
async function againWhereReset<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (signal.aborted || (code !== 'ECONNRESET' && code !== 'EPIPE')) throw error
    return await ask()
  }
}

function named<Row extends object>(names: readonly string[], values: readonly unknown[]): Row {
  const row: Record<string, unknown> = {}
  for (let index = 0; index < names.length; index++) row[names[index]!] = values[index]
  return row as Row
}
