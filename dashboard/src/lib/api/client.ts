/**
 * Requests to the REST API of the same origin. Answers are typed by who asks; errors come as `ApiError`. A request that meets
 * an ended session waits for the person to sign in again and is then sent once more, so nothing typed is lost.
 */
import { address, type Query } from './address.ts'
import { takeFirst } from './first-answers.ts'
import { ApiError, errorFromAnswer, isAbort, wordsFor } from './problem.ts'

export interface ListOf<Item> {
  items: Item[]
  nextCursor: string | null
}
/** A resource together with the tag that a change must name. */
export interface Tagged<T> {
  data: T
  etag: string | undefined
}
export interface RequestOptions {
  query?: Query
  body?: unknown
  ifMatch?: string | undefined
  /** Sent so that a repeated try (after signing in again, or a lost answer) is done once. */
  idempotencyKey?: string
  signal?: AbortSignal
  accept?: string
  /** A 401 here is an answer, not an ended session (signing in itself). */
  anonymous?: boolean
}
export interface ApiClientOptions {
  fetch: typeof fetch
  /** Resolves true once the same person is signed in again. */
  signInAgain: () => Promise<boolean>
}

export class ApiClient {
  readonly #options: ApiClientOptions
  constructor(options: ApiClientOptions) {
    this.#options = options
  }

  async get<T>(path: string, options: Omit<RequestOptions, 'body'> = {}): Promise<T> {
    return (await this.tagged<T>('GET', path, options)).data
  }
  async getTagged<T>(path: string, options: Omit<RequestOptions, 'body'> = {}): Promise<Tagged<T>> {
    return await this.tagged<T>('GET', path, options)
  }
  async post<T>(path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    const idempotencyKey = options.anonymous ? undefined : (options.idempotencyKey ?? crypto.randomUUID())
    return (await this.tagged<T>('POST', path, { ...options, body, ...(idempotencyKey ? { idempotencyKey } : {}) }))
      .data
  }
  async patch<T>(path: string, body: unknown, ifMatch: string | undefined): Promise<Tagged<T>> {
    return await this.tagged<T>('PATCH', path, { body, ifMatch })
  }
  async delete(path: string, ifMatch?: string): Promise<void> {
    await this.tagged<unknown>('DELETE', path, { ifMatch })
  }
  /** Bytes of a body, for files. */
  async bytes(path: string, signal?: AbortSignal): Promise<{ bytes: Uint8Array; type: string }> {
    const answer = await this.#send('GET', path, { accept: '*/*', ...(signal ? { signal } : {}) })
    return {
      bytes: new Uint8Array(await answer.arrayBuffer()),
      type: answer.headers.get('content-type') ?? 'application/octet-stream',
    }
  }
  /** A text body as it comes: CSV. */
  async text(path: string, options: Pick<RequestOptions, 'query' | 'accept' | 'signal'>): Promise<string> {
    const answer = await this.#send('GET', path, options)
    return await answer.text()
  }

  /** Every page of a list, handed over page by page. Stops at `most` items: a list without end must not fill the memory. */
  async *pages<T>(path: string, query: Query, signal: AbortSignal, most = 20_000): AsyncGenerator<T[]> {
    let cursor: string | null = null
    let got = 0
    do {
      const page: ListOf<T> = await this.get<ListOf<T>>(path, { query: { limit: 500, ...query, cursor }, signal })
      got += page.items.length
      yield page.items
      cursor = page.nextCursor
    } while (cursor !== null && got < most)
  }

  async tagged<T>(method: string, path: string, options: RequestOptions = {}): Promise<Tagged<T>> {
    const answer = await this.#send(method, path, options)
    const text = await answer.text()
    const etag = answer.headers.get('etag') ?? undefined
    if (text === '') return { data: undefined as T, etag }
    try {
      return { data: JSON.parse(text) as T, etag }
    } catch (cause) {
      throw new ApiError('unreadable', answer.status, wordsFor('unreadable'), { cause })
    }
  }

  async #send(method: string, path: string, options: RequestOptions): Promise<Response> {
    const answer = await this.#once(method, path, options)
    if (answer.ok) return answer
    const error = errorFromAnswer(answer.status, await answer.text(), answer.headers.get('retry-after'))
    if (error.code !== 'not_signed_in' || options.anonymous) throw error
    if (!(await this.#options.signInAgain())) throw error
    const second = await this.#once(method, path, options)
    if (second.ok) return second
    throw errorFromAnswer(second.status, await second.text(), second.headers.get('retry-after'))
  }

  async #once(method: string, path: string, options: RequestOptions): Promise<Response> {
    const headers: Record<string, string> = { accept: options.accept ?? 'application/json' }
    if (options.body !== undefined) headers['content-type'] = 'application/json'
    if (options.ifMatch !== undefined) headers['if-match'] = options.ifMatch
    if (options.idempotencyKey !== undefined) headers['idempotency-key'] = options.idempotencyKey
    try {
      // Called without a receiver: the browser's fetch refuses any other than the window.
      const send = this.#options.fetch
      const asked = address(path, options.query)
      const first = method === 'GET' ? await takeFirst(asked) : undefined
      options.signal?.throwIfAborted()
      if (first) return first
      return await send(asked, {
        method,
        headers,
        credentials: 'same-origin',
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        ...(options.signal ? { signal: options.signal } : {}),
      })
    } catch (cause) {
      if (isAbort(cause)) throw cause
      throw new ApiError('offline', 0, wordsFor('offline'), { cause })
    }
  }
}
