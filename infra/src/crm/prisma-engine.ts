/**
 * The access layer's engine over a generated Prisma client. The same for SQLite and MySQL: what differs (adapter, pragmas,
 * error words) is given in.
 */
import { randomUUID } from 'node:crypto'
import { TABLES, CrmEngineError } from '@heliograph/crm-core'
import type { Condition, CrmEngine, EngineQuery, EngineReads, EngineTx, PlainRow } from '@heliograph/crm-core'
import type { TableName } from '@heliograph/crm-core/contracts'

interface Delegate {
  findMany(query: object): Promise<PlainRow[]>
  count(query: object): Promise<number>
  createMany(query: object): Promise<{ count: number }>
  updateMany(query: object): Promise<{ count: number }>
  deleteMany(query: object): Promise<{ count: number }>
  upsert(query: object): Promise<PlainRow>
}
type Delegates = Record<TableName, Delegate>
/** The part of a generated client that the engine uses. */
export interface PrismaClientLike {
  $transaction<R>(work: (tx: RawClient) => Promise<R>, options: { maxWait: number; timeout: number }): Promise<R>
  $connect(): Promise<void>
  $disconnect(): Promise<void>
  $queryRawUnsafe(sql: string): Promise<unknown>
}
interface RawClient {
  $queryRawUnsafe(sql: string, ...values: unknown[]): Promise<unknown>
  $executeRawUnsafe(sql: string, ...values: unknown[]): Promise<number>
}
/** What reads what is committed. Errors are the engine's own words, translated here. */
export interface Reader extends EngineReads {
  ping(): Promise<unknown>
  stop(): Promise<void>
}
interface Clients {
  reader: Reader
  writer: PrismaClientLike
  /** Prisma's value for a database NULL in a JSON column. */
  dbNull: unknown
}
/** Why a statement failed, where it is not its own fault. `lost`: the connection, and with it the transaction's end. */
export type Trouble = 'busy' | 'lost' | 'unavailable'

export interface PrismaEngineOptions {
  /** One client for both would hold every read up behind an open transaction. */
  open(): Promise<Clients>
  /** A statement that answers UTC milliseconds as `at`. */
  clockSql: string
  /** What an error of this server means; undefined where Prisma's code says enough. */
  trouble?(error: unknown): Trouble | undefined
  /** First in every transaction: takes its place among the writers of all processes, and leaves the token with what it writes. */
  begin?(tx: RawClient, token: string): Promise<void>
  /** Whether the transaction of this token was committed, where the answer to its commit was lost. */
  committed?(client: PrismaClientLike, token: string): Promise<boolean>
  /** Longest a transaction may take, milliseconds. Default 30 000. */
  transactionTimeoutMs?: number
  /** Transactions waiting at most; one more is refused as `unavailable`. Default 10 000. */
  maxQueued?: number
}

const RETRIES = 5
/** Nor longer than this from the first try on, where the connection is what fails: somebody waits for an answer. */
const LOST_MS = 5_000
/** Tries to learn what became of a commit: a server that is started anew takes some seconds. */
const ASKS = 60
const pause = (tries: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, 2 ** tries * 5 * (0.5 + Math.random())))

const tooLate = (error: unknown, began: number): boolean =>
  error instanceof LostError && performance.now() - began > LOST_MS

/** The connection is gone: tried again as `busy` is, and `unavailable` to who has to hear of it. */
class LostError extends CrmEngineError {}

export function createPrismaEngine(options: PrismaEngineOptions): CrmEngine {
  const timeout = options.transactionTimeoutMs ?? 30_000
  const maxQueued = options.maxQueued ?? 10_000
  let clients: Clients | undefined
  let tail: Promise<unknown> = Promise.resolve()
  let queued = 0
  let stopping = false

  const opened = (): Clients => {
    if (clients === undefined) throw new CrmEngineError('unavailable', 'the CRM database is not started')
    return clients
  }

  async function attempt<R>(work: (tx: EngineTx) => Promise<R>): Promise<R> {
    const began = performance.now()
    for (let tries = 1; ; tries++) {
      const { writer, dbNull } = opened()
      const token = randomUUID()
      let done: { result: R } | undefined
      try {
        return await writer.$transaction(
          async (tx) => {
            done = undefined
            await options.begin?.(tx, token)
            const result = await work(
              createTx(tx as unknown as Delegates & RawClient, options.clockSql, dbNull, toEngineError),
            )
            done = { result }
            return result
          },
          { maxWait: timeout, timeout },
        )
      } catch (error) {
        const problem = toEngineError(error)
        const again = problem instanceof CrmEngineError && (problem.code === 'busy' || problem instanceof LostError)
        // All was done and the answer to the commit is missing: done again it could be there twice.
        if (done !== undefined && problem instanceof LostError && options.committed) {
          if (await wasCommitted(token)) return (done as { result: R }).result
        } else if (!again) throw problem
        if (tries >= RETRIES || tooLate(problem, began)) throw problem
        await pause(tries)
      }
    }
  }

  /** @throws CrmEngineError `unavailable` where nobody can tell */
  async function wasCommitted(token: string): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      try {
        return await options.committed!(opened().writer, token)
      } catch (error) {
        if (tries >= ASKS) throw toEngineError(error)
        await pause(Math.min(tries, RETRIES))
      }
    }
  }

  /** A read whose connection was lost is asked again: it changes nothing. */
  async function read<R>(ask: (reads: EngineReads) => Promise<R>): Promise<R> {
    const began = performance.now()
    for (let tries = 1; ; tries++) {
      try {
        return await ask(translated(opened().reader, toEngineError))
      } catch (error) {
        if (!(error instanceof LostError) || tries >= RETRIES || tooLate(error, began)) throw error
        await pause(tries)
      }
    }
  }

  const toEngineError = (error: unknown): unknown => engineError(error, options.trouble)

  return {
    async start() {
      clients ??= await options.open()
    },
    async stop() {
      const closing = clients
      // What waits in the queue was accepted: it is still written; what comes from here on is refused.
      stopping = true
      await tail
      clients = undefined
      stopping = false
      await closing?.reader.stop()
      await closing?.writer.$disconnect()
    },
    async health() {
      try {
        await opened().reader.ping()
        return { ok: true }
      } catch (error) {
        return { ok: false, detail: error instanceof Error ? error.message.slice(0, 200) : 'unknown' }
      }
    },
    reads: {
      find: (table, query) => read((reads) => reads.find(table, query)),
      count: (table, where) => read((reads) => reads.count(table, where)),
      clock: () => read((reads) => reads.clock()),
    },
    transaction(work) {
      if (stopping) return Promise.reject(new CrmEngineError('unavailable', 'the CRM database is stopping'))
      if (queued >= maxQueued) return Promise.reject(new CrmEngineError('unavailable', 'too many writes are waiting'))
      queued++
      // One writer at a time: queueing here costs nothing, contention inside the engine stops the event loop.
      const run = tail.then(turn).then(() => attempt(work))
      tail = run.then(
        () => queued--,
        () => queued--,
      )
      return run
    },
  }
}

type ToEngineError = (error: unknown) => unknown

/** Reads by a client of Prisma's. */
export function prismaReader(client: PrismaClientLike, clockSql: string): Reader {
  return {
    ...prismaReads(client as unknown as Delegates & RawClient, clockSql),
    ping: () => client.$queryRawUnsafe('SELECT 1'),
    stop: () => client.$disconnect(),
  }
}
const prismaReads = (client: Delegates & RawClient, clockSql: string): EngineReads => ({
  async find(table: TableName, { where, orderBy, limit }: EngineQuery) {
    const rows = await client[table].findMany({ where, orderBy, take: limit })
    const wide = wideColumns(table)
    if (wide.length > 0)
      for (const row of rows) for (const column of wide) if (row[column] !== null) row[column] = Number(row[column])
    return rows
  },
  count: (table, where) => client[table].count({ where }),
  async clock() {
    const [row] = (await client.$queryRawUnsafe(clockSql)) as { at: bigint | number }[]
    return Number(row!.at)
  },
})
function translated(reads: EngineReads, toEngineError: ToEngineError): EngineReads {
  const orEngineError = orThrow(toEngineError)
  return {
    find: (table, query) => orEngineError(() => reads.find(table, query)),
    count: (table, where) => orEngineError(() => reads.count(table, where)),
    clock: () => orEngineError(() => reads.clock()),
  }
}

function createTx(
  client: Delegates & RawClient,
  clockSql: string,
  dbNull: unknown,
  toEngineError: ToEngineError,
): EngineTx {
  const orEngineError = orThrow(toEngineError)
  const stored = (table: TableName, row: PlainRow): PlainRow => {
    const nulls = jsonColumns(table).filter((column) => row[column] === null)
    return nulls.length === 0 ? row : { ...row, ...Object.fromEntries(nulls.map((column) => [column, dbNull])) }
  }
  return {
    ...translated(prismaReads(client, clockSql), toEngineError),
    insert: (table, rows) =>
      orEngineError(async () => {
        await client[table].createMany({ data: rows.map((row) => stored(table, row)) })
      }),
    update: (table, where, changes) =>
      orEngineError(async () => {
        const { count } = await client[table].updateMany({ where, data: stored(table, changes) })
        return count
      }),
    remove: (table: TableName, where: Condition) =>
      orEngineError(async () => {
        const { count } = await client[table].deleteMany({ where })
        return count
      }),
    increment: (name, by) =>
      orEngineError(async () => {
        const row = await client.sequence.upsert({
          where: { name },
          create: { name, value: by },
          update: { value: { increment: by } },
        })
        return Number(row.value)
      }),
  }
}

const wideCache = new Map<TableName, string[]>()
const jsonCache = new Map<TableName, string[]>()
const ofKind = (table: TableName, kind: string): string[] =>
  Object.entries(TABLES[table].columns)
    .filter(([, each]) => each.startsWith(kind))
    .map(([name]) => name)
/** Prisma gives BigInt columns as bigint; the values here (offsets, counts) stay far below 2^53. */
function wideColumns(table: TableName): string[] {
  let columns = wideCache.get(table)
  if (columns === undefined) wideCache.set(table, (columns = ofKind(table, 'bigint')))
  return columns
}
function jsonColumns(table: TableName): string[] {
  let columns = jsonCache.get(table)
  if (columns === undefined) jsonCache.set(table, (columns = ofKind(table, 'json')))
  return columns
}

/**
 * An embedded engine answers without ever waiting, so a queue of transactions would run as one long chain of microtasks in
 * which no request is heard and no timer fires. Between two of them the event loop gets a turn.
 */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
/** The same inside long transactions and long rows of reads: after so many milliseconds others come first. */
const LONGEST_HOLD_MS = 8
let turnedAt = performance.now()
async function breathe(): Promise<void> {
  if (performance.now() - turnedAt < LONGEST_HOLD_MS) return
  await turn()
  turnedAt = performance.now()
}

const orThrow =
  (toEngineError: ToEngineError) =>
  async <R>(work: () => Promise<R>): Promise<R> => {
    await breathe()
    try {
      return await work()
    } catch (error) {
      throw toEngineError(error)
    }
  }

/** Decides by Prisma's code (https://www.prisma.io/docs/orm/reference/error-reference). */
function engineError(error: unknown, troubleOf?: (error: unknown) => Trouble | undefined): unknown {
  if (!(error instanceof Error) || error instanceof CrmEngineError) return error
  const code = (error as { code?: unknown }).code
  const failed = (kind: CrmEngineError['code']) =>
    new CrmEngineError(kind, `${typeof code === 'string' ? code : error.name}: ${firstLine(error.message)}`, {
      cause: error,
    })
  const trouble = troubleOf?.(error)
  if (trouble === 'lost')
    return new LostError('unavailable', `the connection to the CRM database was lost: ${firstLine(error.message)}`, {
      cause: error,
    })
  if (trouble !== undefined) return failed(trouble)
  switch (code) {
    case 'P2002':
      return failed('unique')
    case 'P2003':
    case 'P2014':
      return failed('reference')
    case 'P2034':
    case 'P1008':
    case 'P2028':
      return failed('busy')
    case 'P1001':
    case 'P1002':
    case 'P1017':
    case 'P2024':
      return failed('unavailable')
    default:
      if (isStorageTrouble(error)) return failed('unavailable')
      return error.name.startsWith('PrismaClient') || 'sqlState' in error ? failed('rejected') : error
  }
}

/** Primary codes of SQLite (https://sqlite.org/rescode.html): read-only, I/O, full, cannot open. */
const STORAGE_TROUBLE = new Set([8, 10, 13, 14])
/** Disk full and the like: nothing is wrong with the request, and the same one may pass when there is room again. */
function isStorageTrouble(error: Error): boolean {
  const { rawCode, meta } = error as {
    rawCode?: unknown
    meta?: { driverAdapterError?: { cause?: { originalCode?: unknown } } }
  }
  const code = Number(rawCode ?? meta?.driverAdapterError?.cause?.originalCode)
  // Extended codes carry the primary one in their lowest byte.
  return STORAGE_TROUBLE.has(code & 255)
}
/** Prisma's messages hold the call's source and arguments; only their last line says what is wrong. */
const firstLine = (message: string): string => message.trim().split('\n').at(-1)!.slice(0, 300)
