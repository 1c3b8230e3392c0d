/** The REST interface as a program uses it: signed in with a session cookie. */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from './until.ts'

export interface Answer<T> {
  status: number
  body: T
  headers: Headers
}
export interface Listed<T> {
  items: T[]
  nextCursor: string | null
}
export interface ReadingItem {
  ts: string
  receivedAt: string
  metrics: Record<string, number>
  quality: string[]
  status?: string
}
export interface AlarmItem {
  id: string
  type: string
  severity: string
  historic: boolean
  raisedAt: string
  clearedAt: string | null
  acknowledgedAt: string | null
  ticketId: string | null
}
export interface UnclaimedItem {
  id: string
  connectionId: string
  externalId: string
  messages: number
}
export interface ConnectionMade {
  id: string
  username: string
  secret: string
}

export class Api {
  readonly url: string
  readonly headers: Record<string, string>
  constructor(url: string, headers: Record<string, string>) {
    this.url = url
    this.headers = headers
  }

  static async signIn(url: string, credentials: { email: string; password: string }): Promise<Api> {
    const response = await fetch(`${url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(credentials),
    })
    if (response.status !== 200) throw new Error(`sign-in: ${response.status} ${await response.text()}`)
    const cookie = response.headers
      .getSetCookie()
      .map((each) => each.split(';')[0]!)
      .join('; ')
    return new Api(url, { cookie })
  }

  async ask<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer<T>> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { ...this.headers, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    return { status: response.status, body: (isJson ? JSON.parse(text) : text) as T, headers: response.headers }
  }
  async #good<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.ask<T>(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  get<T>(path: string): Promise<T> {
    return this.#good('GET', path)
  }
  post<T>(path: string, body?: unknown): Promise<T> {
    return this.#good('POST', path, body)
  }
  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#good('PATCH', path, body)
  }
  remove(path: string): Promise<unknown> {
    return this.#good('DELETE', path)
  }

  /** Every item of a list, page by page. */
  async all<T>(path: string): Promise<T[]> {
    const items: T[] = []
    const glue = path.includes('?') ? '&' : '?'
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Listed<T> = await this.get(
        `${path}${glue}limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
      )
      items.push(...page.items)
      cursor = page.nextCursor
    }
    return items
  }
  readings(deviceId: string, from: number, to: number): Promise<ReadingItem[]> {
    return this.all(`/devices/${deviceId}/readings?from=${from}&to=${to}`)
  }

  async customer(name = 'Sunny Farm'): Promise<string> {
    return (await this.post<{ id: string }>('/customers', { name })).id
  }
  async site(customerId?: string, changes: Record<string, unknown> = {}): Promise<string> {
    const body = {
      name: 'Roof',
      customerId: customerId ?? (await this.customer()),
      timezone: 'Europe/Berlin',
      latitude: 52.5,
      longitude: 13.4,
      peakPowerW: 10_000,
      ...changes,
    }
    return (await this.post<{ id: string }>('/sites', body)).id
  }
  connection(changes: Record<string, unknown> = {}): Promise<ConnectionMade> {
    return this.post('/connections', { name: 'Line', transport: 'mqtt', vendor: 'native', ...changes })
  }
  async unclaimed(connectionId: string, externalId: string): Promise<UnclaimedItem> {
    return await until(`${externalId} among the unclaimed`, async () =>
      (await this.all<UnclaimedItem>(`/unclaimed?connectionId=${connectionId}`)).find(
        (item) => item.externalId === externalId,
      ),
    )
  }
  /** Claims for a site and waits for the replay of its history. @returns the device's id */
  async claim(item: UnclaimedItem, siteId: string, changes: Record<string, unknown> = {}): Promise<string> {
    const { deviceId, replayId } = await this.post<{ deviceId: string; replayId: string }>(
      `/unclaimed/${item.id}/claim`,
      {
        siteId,
        kind: 'inverter',
        role: 'production',
        ...changes,
      },
    )
    await this.replayed(replayId)
    return deviceId
  }
  async replayed(replayId: string): Promise<void> {
    await until(
      'the end of the replay',
      async () => (await this.get<{ state: string }>(`/replays/${replayId}`)).state === 'done',
    )
  }
  /** Waits until nothing is under way behind the log. */
  async drained(timeout = 180_000): Promise<void> {
    const lag = async () => {
      const { parts } = await this.ready()
      return parts.length > 0 && parts.every(({ state }) => state === 'ok')
        ? Math.max(...parts.map((part) => part.lag ?? Infinity))
        : Infinity
    }
    // Twice: what one part has handed on, the next has not yet counted.
    for (let calm = 0; calm < 2; calm++) {
      await until('an empty line', async () => (await lag()) === 0, timeout, 100)
      await sleep(150)
    }
  }
  async ready(): Promise<{ status: string; parts: { name: string; state: string; lag: number | null }[] }> {
    const response = await fetch(`${this.url}/readyz`)
    return (await response.json()) as Awaited<ReturnType<Api['ready']>>
  }
  async metrics(): Promise<Metrics> {
    return new Metrics(await (await fetch(`${this.url}/metrics`)).text())
  }
}

/** Prometheus text, summed over labels. */
export class Metrics {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  sum(name: string, labels: Record<string, string> = {}): number {
    let sum = 0
    for (const line of this.#text.split('\n')) {
      if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue
      if (Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
        sum += Number(line.slice(line.lastIndexOf(' ')))
    }
    return sum
  }
}
