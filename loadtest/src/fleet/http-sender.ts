/** Sends native readings by `POST /ingest/v1/readings` over kept-alive sockets. */
import { Agent, request } from 'node:http'

export interface HttpSender {
  /** Resolves when it is accepted (202); keeps trying while the server says "later". */
  send(body: string): Promise<void>
  stop(): void
}

const LATER: ReadonlySet<number> = new Set([429, 503])

export function createHttpSender(options: { url: string; apiKey: string; sockets: number }): HttpSender {
  const agent = new Agent({ keepAlive: true, maxSockets: options.sockets })
  const url = new URL('/ingest/v1/readings', options.url)
  let stopped = false

  function once(body: string): Promise<{ status: number; retryAfterS: number }> {
    return new Promise((resolve, reject) => {
      const message = request(
        url,
        {
          agent,
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            authorization: `Bearer ${options.apiKey}`,
            'content-length': Buffer.byteLength(body),
          },
        },
        (response) => {
          response.resume()
          response.once('end', () =>
            resolve({ status: response.statusCode ?? 0, retryAfterS: Number(response.headers['retry-after'] ?? 1) }),
          )
          response.once('error', reject)
        },
      )
      message.once('error', reject)
      message.end(body)
    })
  }
  return {
    async send(body) {
      for (;;) {
        let pauseMs = 500
        try {
          const { status, retryAfterS } = await once(body)
          if (status === 202) return
          if (!LATER.has(status)) throw new HttpRefused(status)
          pauseMs = Math.min(10, retryAfterS) * 1000
        } catch (error) {
          if (error instanceof HttpRefused || stopped) throw error
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    },
    stop() {
      stopped = true
      agent.destroy()
    },
  }
}
export class HttpRefused extends Error {
  constructor(status: number) {
    super(`the server answered ${status}`)
  }
}
