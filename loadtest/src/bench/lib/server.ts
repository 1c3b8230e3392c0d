/** Our server as a child with its own data directory and ports, and a signed-in administrator. */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, freePort, ROOT, startChild } from './processes.ts'
import { sleep, waitFor } from './subject.ts'

export const EMAIL = 'bench@heliograph.test'
export const PASSWORD = 'bench-password-of-the-moment'
export const BIN = join(ROOT, 'infra/src/bin')

export interface ServerSettings {
  dir: string
  env: Record<string, string>
  httpPort: number
  mqttPort: number
}
export async function serverSettings(dir: string): Promise<ServerSettings> {
  mkdirSync(dir, { recursive: true })
  const [httpPort, mqttPort] = [await freePort(), await freePort()]
  return {
    dir,
    httpPort,
    mqttPort,
    env: {
      HELIO_DATA_DIR: dir,
      HELIO_HTTP_PORT: String(httpPort),
      HELIO_MQTT_PORT: String(mqttPort),
      HELIO_DEMO: 'off',
      HELIO_ADMIN_EMAIL: EMAIL,
      HELIO_ADMIN_PASSWORD: PASSWORD,
      HELIO_LOG_LEVEL: 'warn',
    },
  }
}

export interface Server extends ServerSettings {
  child: Child
  url: string
  /** From the start of the process until /readyz says that every part is ready, ms. */
  readyMs: number
  /** As a person signed in, with the limits of one. */
  api: ApiClient
  /** As whoever may open the data directory, without limits: for preparing. */
  local: LocalClient
}

export async function startServer(settings: ServerSettings): Promise<Server> {
  const started = performance.now()
  const child = await startChild(join(BIN, 'solo.ts'), { env: settings.env, waitForReady: false })
  const url = `http://127.0.0.1:${settings.httpPort}`
  await waitFor(
    'the server to be ready',
    60_000,
    async () => {
      if (child.process.exitCode !== null)
        throw new Error(`the server ended with ${child.process.exitCode}\n${child.output()}`)
      try {
        const { status } = (await (await fetch(`${url}/readyz`)).json()) as { status: string }
        return status === 'ready' || undefined
      } catch {
        return undefined
      }
    },
    20,
  )
  const readyMs = performance.now() - started
  const api = await signIn(url)
  const { tenant } = await api.get<{ tenant: { id: string } }>('/me')
  return { ...settings, child, url, readyMs, api, local: localClient(adminSocketPath(settings.dir), tenant.id) }
}

/** As the server names it: a deep directory gets one in the temporary folder. */
function adminSocketPath(dir: string): string {
  const path = join(dir, 'admin.sock')
  if (Buffer.byteLength(path) < 100) return path
  return join(tmpdir(), `heliograph-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}.sock`)
}

export interface LocalClient {
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: unknown): Promise<T>
}
function localClient(socketPath: string, tenantId: string): LocalClient {
  function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          socketPath,
          method,
          path: `/api/v1${path}`,
          headers: { 'x-helio-tenant': tenantId, ...(body !== undefined && { 'content-type': 'application/json' }) },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString()
            if ((response.statusCode ?? 500) >= 300)
              reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`))
            else resolve(JSON.parse(text) as T)
          })
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
  return { get: (path) => call('GET', path), post: (path, body) => call('POST', path, body) }
}

export interface ApiClient {
  readonly cookie: string
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: unknown): Promise<T>
  /** Milliseconds until the whole answer is there. */
  time(path: string): Promise<number>
}

export async function signIn(url: string): Promise<ApiClient> {
  const origin = { origin: url }
  const answer = await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...origin },
    body: JSON.stringify({ email: EMAIL, password: PASSWORD }),
  })
  if (answer.status !== 200) throw new Error(`sign-in failed: ${answer.status} ${await answer.text()}`)
  const cookie = answer.headers
    .getSetCookie()
    .map((entry) => entry.split(';')[0])
    .join('; ')
  const headers = { cookie, ...origin }
  async function call<T>(path: string, init: RequestInit): Promise<T> {
    for (;;) {
      const response = await fetch(`${url}/api/v1${path}`, init)
      if (response.status === 429) {
        await response.arrayBuffer()
        await sleep(1_000 * Number(response.headers.get('retry-after') ?? 1))
        continue
      }
      if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    }
  }
  return {
    cookie,
    get: (path) => call(path, { headers }),
    post: (path, body) =>
      call(path, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    async time(path) {
      const started = performance.now()
      const response = await fetch(`${url}/api/v1${path}`, { headers })
      await response.arrayBuffer()
      if (!response.ok) throw new Error(`GET ${path}: ${response.status}`)
      return performance.now() - started
    },
  }
}

export interface MqttLogin {
  id: string
  username: string
  secret: string
}
export const createMqttConnection = (api: Pick<LocalClient, 'post'>, vendor = 'native'): Promise<MqttLogin> =>
  api.post<MqttLogin>('/connections', { name: `bench ${vendor}`, transport: 'mqtt', vendor })
