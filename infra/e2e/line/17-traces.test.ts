/** Chapter 17: a message that is traced tells where it spent its time, from the edge to the page. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { Api } from './api.ts'
import { claimed } from './claimed.ts'
import { Instance } from './instance.ts'
import { connect, native, publish } from './sender.ts'
import { until } from './until.ts'

interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
}
interface Export {
  resourceSpans: { scopeSpans: { spans: Span[] }[] }[]
}

describe('traces', { timeout: 200_000 }, () => {
  /** A collector as OpenTelemetry's: OTLP over HTTP, JSON. */
  let collector: Server
  let instance: Instance
  let api: Api
  const spans: Span[] = []
  let bodies = ''
  beforeAll(async () => {
    collector = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        bodies += body
        const { resourceSpans } = JSON.parse(body) as Export
        spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)))
        response.setHeader('content-type', 'application/json')
        response.end('{}')
      })
    })
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
    const { port } = collector.address() as AddressInfo
    instance = await Instance.start({
      env: { HELIO_TRACES_URL: `http://127.0.0.1:${port}/v1/traces`, HELIO_TRACES_ONE_IN: '1' },
    })
    api = await instance.api()
  })
  afterAll(async () => {
    await instance.remove()
    collector.close()
  })

  it('follows a message from the edge through the log into the store and to a page', async () => {
    const connection = await api.connection()
    const deviceId = await claimed(instance, api, { connection, siteId: await api.site() }, 'traced')
    const socket = new WebSocket(`${instance.url.replace('http', 'ws')}/api/v1/live`, {
      headers: { ...api.headers, origin: instance.url },
    })
    const frames: string[] = []
    socket.on('message', (data: Buffer) => frames.push(data.toString()))
    await new Promise((resolve) => socket.once('open', resolve))
    socket.send(JSON.stringify({ type: 'subscribe', id: 'a', topic: `device:${deviceId}` }))
    await until('the snapshot', () => frames.some((frame) => frame.includes('snapshot')))
    const client = await connect(instance, connection)
    await publish(client, native('traced', Date.now(), { ac_power_w: 4_321 }))
    await client.endAsync()
    await until('the value on the page', () => frames.some((frame) => frame.includes('4321')))
    const names = ['ingest.receive', 'decode', 'store', 'live.publish', 'live.send']
    const whole = await until('all its steps', () => {
      const byTrace = Map.groupBy(spans, ({ traceId }) => traceId)
      return [...byTrace.values()].find((some) => names.every((name) => some.some((span) => span.name === name)))
    })
    const spanOf = (name: string): Span => whole.find((span) => span.name === name)!
    expect(spanOf('ingest.receive').parentSpanId).toBeFalsy()
    for (const [child, parent] of [
      ['decode', 'ingest.receive'],
      ['store', 'decode'],
      ['live.publish', 'decode'],
      ['live.send', 'live.publish'],
    ] as const)
      expect([child, spanOf(child).parentSpanId]).toEqual([child, spanOf(parent).spanId])
    // Neither what was measured nor who measured it leaves the house this way, and no page sees a trace.
    expect(bodies).not.toContain('4321')
    expect(bodies).not.toContain('traced')
    expect(frames.join()).not.toContain('traceparent')
    socket.close()
  })
})
