import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { selfSigned } from '../mqtt/self-signed.fixture.ts'
import { type Harness, planFor, type ScriptedBroker, startBrokerEdge, startScriptedBroker } from './broker.fixture.ts'

const soon = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 5 })

describe('a broker with TLS', () => {
  const own = selfSigned()
  let broker: ScriptedBroker
  let harness: Harness
  beforeEach(async () => {
    broker = await startScriptedBroker(own)
    harness = startBrokerEdge()
  })
  afterEach(async () => {
    await harness.edge.stop()
    await broker.stop()
  })
  const at = (host: string, caCert: string | null, tls = true) =>
    harness.edge.serve([planFor(broker.port, { address: { tls, host, port: broker.port }, caCert })])

  it('is trusted by the certificate that was entered', async () => {
    at('localhost', own.cert)
    await soon(() => expect(harness.word()?.state).toBe('connected'))
  })
  it.each([
    ['signed by nobody we know', 'localhost', null, /not trusted: it is self-signed/],
    ['signed by somebody else', 'localhost', selfSigned().cert, /not trusted/],
    ['for another name', '127.0.0.1', own.cert, /not trusted: it is for another host name/],
  ] as const)('is not trusted where its certificate is %s', async (_name, host, caCert, message) => {
    at(host, caCert)
    await soon(() => expect(harness.word()).toMatchObject({ state: 'failed', code: 'certificate' }))
    expect(harness.word()?.message).toMatch(message)
    // No login was sent.
    expect(broker.visits).toEqual([])
  })
  it('and a client without', async () => {
    at('localhost', null, false)
    await soon(() => expect(harness.word()).toMatchObject({ state: 'failed', code: 'no-answer' }))
  })
  it('that is none', async () => {
    const plain = await startScriptedBroker()
    harness.edge.serve([planFor(plain.port, { address: { tls: true, host: 'localhost', port: plain.port } })])
    await soon(() => expect(harness.word()?.state).toBe('failed'))
    await plain.stop()
  })
})
