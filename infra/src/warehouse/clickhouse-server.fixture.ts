/**
 * A ClickHouse server as far as a client sees it from outside: HTTP or HTTPS with user and password in front of the embedded
 * engine, which asks for a token. What the server itself adds (clusters, quotas) is not here.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createPlain, request as forward, type RequestListener } from 'node:http'
import { createServer as createTls } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { TOKEN_HEADER } from './chdb-headers.ts'
import { spawnWarehouse } from './spawn-warehouse.ts'
import { freePort } from '../process/free-port.ts'

export const USER = 'helio'
export const PASSWORD = 's3cret:p@ss'

export interface TestClickhouse {
  /** As the setting takes it. */
  url(database?: string): string
  port: number
  /** Certificate of a TLS server, as a file for `NODE_EXTRA_CA_CERTS`. */
  certificate?: string
  kill(): Promise<void>
  revive(): Promise<void>
  stop(): Promise<void>
}

export async function startTestClickhouse({ tls = false } = {}): Promise<TestClickhouse> {
  const folder = mkdtempSync(join(tmpdir(), 'helio-clickhouse-'))
  let engine = await spawnWarehouse(join(folder, 'data'))
  const expected = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`
  const answer: RequestListener = (request, response) => {
    if (request.url !== '/ping' && request.headers.authorization !== expected) {
      response.writeHead(403, { 'X-ClickHouse-Exception-Code': '516' })
      response.end(
        `Code: 516. DB::Exception: ${USER}: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)`,
      )
      return
    }
    const { authorization: _, ...headers } = request.headers
    const passed = forward(
      {
        host: '127.0.0.1',
        port: engine.port,
        method: request.method,
        path: request.url,
        headers: { ...headers, [TOKEN_HEADER]: engine.token },
      },
      (inner) => {
        response.writeHead(inner.statusCode!, inner.headers)
        pipeline(inner, response, () => undefined)
      },
    )
    // As a server that is down: no answer at all.
    passed.on('error', () => response.destroy())
    response.on('close', () => passed.destroy())
    pipeline(request, passed, () => undefined)
  }
  const certificate = join(folder, 'cert.pem')
  if (tls) {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const files = ['-keyout', join(folder, 'key.pem'), '-out', certificate]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files], {
      stdio: 'ignore',
    })
  }
  const server = tls
    ? createTls({ key: readFileSync(join(folder, 'key.pem')), cert: readFileSync(certificate) }, answer)
    : createPlain(answer)
  server.keepAliveTimeout = 10_000
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const login = `${USER}:${encodeURIComponent(PASSWORD)}`
  return {
    port,
    ...(tls && { certificate }),
    url: (database = 'heliograph') => `clickhouse${tls ? 's' : ''}://${login}@127.0.0.1:${port}/${database}`,
    kill: () => engine.kill(),
    async revive() {
      engine = await spawnWarehouse(join(folder, 'data'), { port: engine.port, token: engine.token })
    },
    async stop() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await engine.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
