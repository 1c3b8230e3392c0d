/** A server's faults as its clients meet them, each when it is asked for: HTTP that passes on what it is given, or does not. */
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { freePort } from '../process/free-port.ts'

export const FAULTS = [
  /** It is done, status and headers are there, and the rest never comes. */
  'hangs in the middle of the answer',
  /** Not done, and told so behind status 200, as before ClickHouse 25.11. */
  'an exception in the body of a 200',
  /** The same with the marks of newer servers, behind rows where it is a query. */
  'a marked exception in the body of a 200',
  'too many parts',
  /** Done, and nobody is told. */
  'the answer is lost after the commit',
  'the connection is reset while it is kept alive',
] as const
export type Fault = (typeof FAULTS)[number]

const MEMORY = 'Code: 241. DB::Exception: Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED) (version 24.3.1.1)\n'
const PARTS = 'Code: 252. DB::Exception: Too many parts (3000). Merges are processing slower. (TOO_MANY_PARTS)\n'
const TAG = 'xkqzvwjhfmbtrspl'

export interface FaultyServer {
  port: number
  /** What the next statements meet that fit, one each. */
  meet(fault: Fault, fits: RegExp, times?: number): void
  /** How many faults were met. */
  readonly met: number
  stop(): Promise<void>
}

/** @param behind port of the real one on this machine */
export async function startFaultyServer(behind: number): Promise<FaultyServer> {
  const ahead: { fault: Fault; fits: RegExp }[] = []
  let met = 0

  function pass(incoming: IncomingMessage, body: Buffer): Promise<{ answer: IncomingMessage; bytes: Buffer }> {
    return new Promise((resolve, reject) => {
      const { 'transfer-encoding': _, ...headers } = incoming.headers
      const { method, url: path } = incoming
      const host = { host: '127.0.0.1', port: behind }
      const options = { ...host, method, path, headers: { ...headers, 'content-length': body.length } }
      const passed = forward(options, (answer) => {
        buffer(answer).then((bytes) => resolve({ answer, bytes }), reject)
      })
      passed.once('error', reject)
      passed.end(body)
    })
  }
  function refuse(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
    response.writeHead(status, headers)
    response.end(text)
  }

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming)
    const statement = `${new URL(incoming.url!, 'http://server').searchParams.get('query') ?? ''}${body.toString('latin1')}`
    const at = ahead.findIndex(({ fits }) => fits.test(statement))
    const fault = at < 0 ? undefined : ahead.splice(at, 1)[0]!.fault
    if (fault !== undefined) met++
    if (fault === 'the connection is reset while it is kept alive') {
      incoming.socket.resetAndDestroy()
      return
    }
    if (fault === 'too many parts') return refuse(response, 500, PARTS, { 'X-ClickHouse-Exception-Code': '252' })
    if (fault === 'an exception in the body of a 200') return refuse(response, 200, MEMORY)
    const { answer: real, bytes } = await pass(incoming, body)
    if (fault === 'the answer is lost after the commit') {
      incoming.socket.destroy()
      return
    }
    const { 'content-length': _, ...headers } = real.headers
    if (fault === 'hangs in the middle of the answer') {
      response.writeHead(real.statusCode!, headers)
      response.write(bytes.subarray(0, bytes.length / 2))
      response.flushHeaders()
      return
    }
    if (fault === 'a marked exception in the body of a 200') {
      // Whole rows of the answer came first.
      const rows = bytes.subarray(0, bytes.lastIndexOf(10, bytes.length / 2) + 1)
      const marked = `\r\n__exception__\r\n${TAG}\r\n${MEMORY}${MEMORY.length} ${TAG}\r\n__exception__\r\n`
      return refuse(response, 200, rows.toString() + marked, { 'X-ClickHouse-Exception-Tag': TAG })
    }
    response.writeHead(real.statusCode!, headers)
    response.end(bytes)
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    answer(incoming, response).catch(() => response.destroy())
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port,
    meet(fault, fits, times = 1) {
      for (let time = 0; time < times; time++) ahead.push({ fault, fits })
    },
    get met() {
      return met
    },
    async stop() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
