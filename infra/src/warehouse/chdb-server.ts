/**
 * ClickHouse's HTTP interface over the embedded engine: as much of it as `@clickhouse/client` uses, so that one adapter
 * serves both. Protected by a token that its parent makes afresh for every start.
 */
import { randomUUID, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LANE_HEADER, TOKEN_HEADER } from './chdb-headers.ts'
import { identifierPattern, openSession, openSpool, type ChdbSession, type Statement } from './chdb-session.ts'
import { LaneBusyError, LaneClosedError, LANES, WorkerLane, type Lane } from './lanes.ts'
import { isSingleStatement } from './single-statement.ts'

export interface ChdbServerOptions {
  /** Data directory; another process on it is refused by the engine. */
  dataDir: string
  /** Every request must carry it in `x-helio-token`. */
  token: string
  /** Loopback port; default any free one. */
  port?: number
  /** Sessions per lane. Defaults: 1 insert, 2 light, 1 heavy, 1 system. */
  sessions?: Partial<Record<Lane, number>>
  /** Statements that may wait per lane. Default 256. */
  maxWaiting?: number
  /** Bytes of one request body. Default 256 MiB. */
  maxBodyBytes?: number
  /** Engine arguments, as of the command line. */
  engineArguments?: readonly string[]
}
export interface ChdbServer {
  start(): Promise<{ port: number }>
  /** Stops listening, lets running statements end, closes the engine. */
  stop(): Promise<void>
}

/** Parameters of the interface that are no engine settings. */
const INTERFACE_PARAMETERS = new Set([
  'query',
  'database',
  'query_id',
  'session_id',
  'session_timeout',
  'session_check',
  'default_format',
  'role',
  'user',
  'password',
  'compress',
  'decompress',
])
/** Settings of the server's HTTP part, which the embedded engine does not know or which have no meaning here. */
const isHttpSetting = (name: string): boolean =>
  name === 'wait_end_of_query' ||
  name === 'send_progress_in_http_headers' ||
  name === 'enable_http_compression' ||
  name.startsWith('http_')

class RequestError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.name = 'RequestError'
    this.status = status
  }
}

/** Status a ClickHouse server answers with for an exception code. */
function statusOf(code: number): number {
  if (code === 241 || code === 49) return 500
  if (code === 159 || code === 160) return 408
  if (code === 202 || code === 279) return 503
  if (code === 60 || code === 81) return 404
  if (code === 497) return 403
  return 400
}

export function createChdbServer(options: ChdbServerOptions): ChdbServer {
  const maxBodyBytes = options.maxBodyBytes ?? 256 * 1024 * 1024
  const token = Buffer.from(options.token)
  const sessionCounts: Record<Lane, number> = { insert: 1, light: 2, heavy: 1, system: 1, ...options.sessions }
  let sessions: ChdbSession[] = []
  let lanes: Record<Lane, WorkerLane<ChdbSession>> | undefined
  let server: Server | undefined

  function isAllowed(request: IncomingMessage): boolean {
    const given = Buffer.from(String(request.headers[TOKEN_HEADER] ?? ''))
    return given.length === token.length && timingSafeEqual(given, token)
  }

  async function readBody(request: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBodyBytes)
        throw new RequestError(413, 'Code: 107. DB::Exception: The request body is too large. (TOO_LARGE_BODY)')
      chunks.push(chunk)
    }
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  }

  function statementOf(url: URL, body: Buffer): Statement {
    const settings = new Map<string, string>()
    for (const [name, value] of url.searchParams) {
      if (name.startsWith('param_'))
        // Bound parameters serialise the whole process; every literal is written by the `sql` tag instead.
        throw new RequestError(400, 'Code: 36. DB::Exception: Bound parameters are not taken here. (BAD_ARGUMENTS)')
      if (!INTERFACE_PARAMETERS.has(name) && !isHttpSetting(name)) settings.set(name, value)
    }
    const inUrl = url.searchParams.get('query')
    const isInsert = inUrl !== null && /^\s*INSERT\s/i.test(inUrl) && /\sFORMAT\s+\w+\s*;?\s*$/i.test(inUrl)
    const sql = inUrl === null ? body.toString('utf8') : isInsert ? inUrl : inUrl + body.toString('utf8')
    if (!isSingleStatement(sql))
      throw new RequestError(
        400,
        'Code: 62. DB::Exception: Syntax error (Multi-statements are not allowed). (SYNTAX_ERROR)',
      )
    const format = url.searchParams.get('default_format')
    const database = url.searchParams.get('database')
    return {
      sql: sql.replace(/[;\s]+$/, ''),
      settings,
      ...(database ? { database } : {}),
      ...(format && identifierPattern.test(format) ? { format } : {}),
      ...(isInsert ? { data: body } : {}),
    }
  }

  function laneOf(request: IncomingMessage, statement: Statement): Lane {
    if (statement.data) return 'insert'
    const asked = String(request.headers[LANE_HEADER] ?? 'light')
    return LANES.find((lane) => lane === asked) ?? 'light'
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://engine')
    if (!isAllowed(request))
      throw new RequestError(403, 'Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)')
    if (url.pathname === '/ping') {
      response.end('Ok.\n')
      return
    }
    const statement = statementOf(url, await readBody(request))
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    if (!lanes) throw new LaneClosedError()
    const lane = lanes[laneOf(request, statement)]
    const result = await lane.run((session) => session.run(statement), gone.signal)
    response.setHeader('X-ClickHouse-Query-Id', url.searchParams.get('query_id') ?? randomUUID())
    response.setHeader(
      'X-ClickHouse-Summary',
      JSON.stringify({
        read_rows: String(result.rowsRead),
        read_bytes: String(result.bytesRead),
        written_rows: String(result.rowsWritten),
        written_bytes: '0',
        total_rows_to_read: '0',
        result_rows: '0',
        result_bytes: String(result.bytes.length),
      }),
    )
    response.setHeader('Content-Length', result.bytes.length)
    response.end(result.bytes)
  }

  function refuse(response: ServerResponse, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    const code = Number(/Code: (\d+)/.exec(message)?.[1] ?? 1002)
    const status = error instanceof RequestError ? error.status : statusOf(code)
    if (response.headersSent || response.destroyed) {
      response.destroy()
      return
    }
    response.statusCode = error instanceof LaneBusyError || error instanceof LaneClosedError ? 503 : status
    response.setHeader('X-ClickHouse-Exception-Code', String(code))
    // What is left of a body that was too large is not read to the end.
    if (status === 413) response.setHeader('Connection', 'close')
    response.end(message.startsWith('Code:') ? message : `Code: ${code}. DB::Exception: ${message} (UNKNOWN_EXCEPTION)`)
  }

  return {
    async start() {
      const spool = openSpool(options.dataDir)
      const opened: [Lane, ChdbSession[]][] = LANES.map((lane) => [
        lane,
        Array.from({ length: sessionCounts[lane] }, () => openSession(options.dataDir, spool, options.engineArguments)),
      ])
      sessions = opened.flatMap(([, list]) => list)
      lanes = Object.fromEntries(
        opened.map(([lane, list]) => [lane, new WorkerLane(lane, list, options.maxWaiting ?? 256)]),
      ) as Record<Lane, WorkerLane<ChdbSession>>
      // Longer than any client keeps an idle socket, so that it is never the server that closes one being used.
      server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
        answer(request, response).catch((error: unknown) => refuse(response, error))
      })
      server.requestTimeout = 120_000
      const listening = server
      await new Promise<void>((resolve, reject) => {
        listening.once('error', reject)
        listening.listen(options.port ?? 0, '127.0.0.1', resolve)
      })
      return { port: (listening.address() as AddressInfo).port }
    },
    async stop() {
      const listening = server
      server = undefined
      const closed = listening ? new Promise<void>((resolve) => listening.close(() => resolve())) : undefined
      // The engine aborts the process when a session closes under a running statement.
      if (lanes) await Promise.all(Object.values(lanes).map((lane) => lane.close()))
      listening?.closeIdleConnections()
      setTimeout(() => listening?.closeAllConnections(), 1000).unref()
      await closed
      for (const session of sessions.splice(0)) session.close()
      lanes = undefined
    },
  }
}
