/** An HTTP server of Twilio's shape in this process: takes messages as forms, answers with message resources. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { freePort } from '../process/free-port.ts'
import type { TestProvider } from './messages.conformance.ts'

export const ACCOUNT = 'ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
export const TOKEN = 's3cret-token'

export interface TestSmsServer extends TestProvider {
  port: number
  forms: Record<string, string>[]
}

export async function createTestSmsServer(): Promise<TestSmsServer> {
  const port = await freePort()
  let server: Server | undefined
  const made: TestSmsServer = {
    port,
    taken: [],
    forms: [],
    mood: 'take',
    async up() {
      server = createServer((request, response) => void answer(request, response))
      await new Promise<void>((resolve) => server!.listen(port, '127.0.0.1', resolve))
    },
    async down() {
      const ending = server
      server = undefined
      ending?.closeAllConnections()
      await new Promise<void>((resolve) => (ending ? ending.close(() => resolve()) : resolve()))
    },
  }
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const say = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const body = await text(request)
    const account = `/2010-04-01/Accounts/${ACCOUNT}`
    if (request.headers.authorization !== `Basic ${Buffer.from(`${ACCOUNT}:${TOKEN}`).toString('base64')}`)
      return void say(401, { code: 20003, message: 'Authenticate', status: 401 })
    if (request.method === 'GET' && request.url === `${account}.json`)
      return void say(200, { sid: ACCOUNT, status: 'active' })
    if (request.method !== 'POST' || request.url !== `${account}/Messages.json`)
      return void say(404, { code: 20404, message: 'The requested resource was not found', status: 404 })
    if (made.mood === 'hang') return
    if (made.mood === 'busy') return void say(429, { code: 20429, message: 'Too Many Requests', status: 429 })
    if (made.mood === 'refuse')
      return void say(400, { code: 21211, message: "The 'To' number is not a valid phone number.", status: 400 })
    const form = Object.fromEntries(new URLSearchParams(body))
    made.forms.push(form)
    made.taken.push({ id: form.StatusCallback?.split('/').at(-1), to: form.To!, text: form.Body! })
    if (made.mood === 'cut') return void request.socket.destroy()
    say(201, {
      account_sid: ACCOUNT,
      api_version: '2010-04-01',
      body: form.Body,
      direction: 'outbound-api',
      error_code: null,
      error_message: null,
      from: form.From ?? null,
      messaging_service_sid: form.MessagingServiceSid ?? null,
      num_segments: '1',
      sid: `SM${made.forms.length.toString(16).padStart(32, '0')}`,
      status: 'queued',
      to: form.To,
    })
  }
  return made
}
