/**
 * How the command line reaches an instance: by `HELIO_URL` and `HELIO_API_KEY`, else by the admin socket of the data
 * directory, else by starting the instance for itself, without page or demo, and stopping it afterwards.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { readSettings } from '../settings.ts'
import { CliError } from './cli-error.ts'
import { startPrivate } from './private-instance.ts'

export { CliError } from './cli-error.ts'

export interface Answer<T> {
  status: number
  body: T
  headers: IncomingMessage['headers']
}
export interface Client {
  /** @throws CliError with the problem's detail for any answer but 2xx */
  call<T>(method: string, path: string, body?: unknown, options?: { tenantId?: string }): Promise<T>
  /** Bound to the tenant of an API key; otherwise the tenant is named per call. */
  readonly byKey: boolean
  /** Started for this client alone: nothing comes in. */
  readonly isPrivate: boolean
  /** Which instance it is, to tell instances apart. */
  readonly target: string
  /** Stops what was started for this client. */
  close(): Promise<void>
}

/** A path for a unix socket must be short; a deep data directory gets one in the temporary folder. */
export function adminSocketPath(dataDir: string): string {
  const path = join(dataDir, 'admin.sock')
  if (Buffer.byteLength(path) < 100) return path
  return join(tmpdir(), `heliograph-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}.sock`)
}

/** Where a key leads, when one is set in the environment or in `.env`. */
function remote(): { url: string; key: string; urlGiven: boolean } | undefined {
  const file = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {}
  const { HELIO_URL: url, HELIO_API_KEY: key, HELIO_HTTP_PORT: port } = { ...file, ...process.env }
  if (!key) return undefined
  return { key, url: url || `http://127.0.0.1:${port || 8080}`, urlGiven: Boolean(url) }
}

/** By `HELIO_API_KEY` where one is set, else like `connectLocal`. */
export async function connect(): Promise<Client> {
  const target = remote()
  if (!target) return connectLocal()
  return client({ url: target.url, headers: { authorization: `Bearer ${target.key}` } }, true)
}

/** The instance of the data directory, with every right: the one that runs, else one started for this client alone. */
export async function connectLocal(): Promise<Client> {
  const socketPath = adminSocketPath(readSettings().dataDir)
  if (await answers(socketPath)) return client({ socketPath }, false)
  const instance = await startPrivate(() => isWhole(socketPath))
  return client({ socketPath }, false, instance.stop)
}

/** For what no key may do: the key of the environment is passed over, unless it was said where it leads. */
export const connectOperator = (): Promise<Client> => (remote()?.urlGiven ? connect() : connectLocal())

interface Target {
  url?: string
  socketPath?: string
  headers?: Record<string, string>
}

function client(target: Target, byKey: boolean, stopPrivate?: () => Promise<void>): Client {
  return {
    byKey,
    isPrivate: stopPrivate !== undefined,
    target: target.url ?? target.socketPath ?? '',
    close: stopPrivate ?? (async () => {}),
    async call<T>(method: string, path: string, body?: unknown, options: { tenantId?: string } = {}) {
      const headers = { ...target.headers, ...(options.tenantId && { 'x-helio-tenant': options.tenantId }) }
      for (let attempt = 0; ; attempt++) {
        const answer = await send<
          T & { detail?: string; title?: string; errors?: { path: string; message: string }[] }
        >({ ...target, headers }, method, path, body)
        if (answer.status >= 200 && answer.status < 300) return answer.body
        if ((answer.status === 429 || answer.status === 503) && attempt < 60) {
          await new Promise((resolve) => setTimeout(resolve, (Number(answer.headers['retry-after']) || 1) * 1_000))
          continue
        }
        const { detail, title, errors } = answer.body
        // The detail is the first of them, where there are several.
        const fields = (errors ?? []).map((error) => [error.path, error.message].filter(Boolean).join(': '))
        throw new CliError(
          fields.length > 0 ? fields.join('; ') : (detail ?? title ?? `the server answered ${answer.status}`),
        )
      }
    },
  }
}

function send<T>(target: Target, method: string, path: string, body: unknown): Promise<Answer<T>> {
  const url = new URL(path, target.url ?? 'http://localhost')
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        socketPath: target.socketPath,
        headers: {
          accept: 'application/json',
          ...target.headers,
          ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }),
        },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          try {
            resolve({
              status: response.statusCode!,
              headers: response.headers,
              body: (text === ''
                ? {}
                : response.headers['content-type']?.includes('json')
                  ? JSON.parse(text)
                  : text) as T,
            })
          } catch (error) {
            reject(error as Error)
          }
        })
      },
    )
    sent.on('error', (error) =>
      reject(new CliError(`the server at ${target.url ?? target.socketPath} cannot be reached: ${error.message}`)),
    )
    sent.end(payload)
  })
}

async function answers(socketPath: string): Promise<boolean> {
  if (!existsSync(socketPath)) return false
  try {
    return (await send({ socketPath }, 'GET', '/healthz', undefined)).status === 200
  } catch {
    return false
  }
}

/** Every part is up: the socket is there before the parts behind it are. */
async function isWhole(socketPath: string): Promise<boolean> {
  if (!(await answers(socketPath))) return false
  const { parts } = (await send<{ parts?: { state: string }[] }>({ socketPath }, 'GET', '/readyz', undefined)).body
  return parts?.every(({ state }) => state !== 'down') ?? false
}

/** Runs a command against an instance and lets go of it, whatever happens. */
export async function withClient<R>(
  work: (client: Client) => Promise<R>,
  how: () => Promise<Client> = connect,
): Promise<R> {
  const connected = await how()
  try {
    return await work(connected)
  } finally {
    await connected.close()
  }
}

interface Named {
  id: string
  name: string
}
/** All items of a list, page by page. */
export async function listAll<T>(client: Client, path: string, tenantId?: string): Promise<T[]> {
  const items: T[] = []
  let cursor: string | null = null
  do {
    const glue = path.includes('?') ? '&' : '?'
    const next: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page: { items: T[]; nextCursor: string | null } = await client.call(
      'GET',
      `${path}${glue}limit=500${next}`,
      undefined,
      { tenantId },
    )
    items.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return items
}

/** Tenants the caller may act in: an API key has one; the local administrator all. */
export async function tenantsOf(client: Client): Promise<(string | undefined)[]> {
  if (client.byKey) return [undefined]
  return (await listAll<Named>(client, '/api/v1/tenants')).map(({ id }) => id)
}

export interface FoundSite {
  id: string
  name: string
  timezone: string
  tenantId?: string
}
/** A site by id or by its whole name. */
export async function findSite(client: Client, site: string): Promise<FoundSite> {
  const matches: FoundSite[] = []
  for (const tenantId of await tenantsOf(client))
    for (const found of await listAll<FoundSite>(client, '/api/v1/sites', tenantId))
      if (found.id === site || found.name === site) matches.push({ ...found, tenantId })
  const [only, another] = matches
  if (!only) throw new CliError(`there is no site "${site}"`)
  if (another) throw new CliError(`"${site}" names several sites; give the id`)
  return only
}
export interface FoundDevice {
  id: string
  serial: string
  name: string
}
/** The devices of a site by id, serial or name. */
export async function devicesOf(client: Client, site: FoundSite): Promise<(name: string) => FoundDevice> {
  const devices = await listAll<FoundDevice>(client, `/api/v1/devices?siteId=${site.id}`, site.tenantId)
  const known = new Map<string, FoundDevice>()
  for (const device of devices) known.set(device.name, device)
  for (const device of devices) known.set(device.serial, device)
  for (const device of devices) known.set(device.id, device)
  return (name) => {
    const found = known.get(name)
    if (!found) throw new CliError(`site "${site.name}" has no device "${name}"`)
    return found
  }
}
