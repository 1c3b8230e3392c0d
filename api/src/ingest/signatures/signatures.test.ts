import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { basic } from './basic.ts'
import { sharedHeader } from './shared-header.ts'
import { standardWebhooks, TIMESTAMP_TOLERANCE_S } from './standard-webhooks.ts'
import { twilio } from './twilio.ts'
import type { SignedRequest } from './types.ts'

const request = (over: Partial<SignedRequest> & { text?: string }): SignedRequest => ({
  headers: {},
  url: 'https://heliograph.test/ingest/v1/webhooks/c1',
  contentType: 'application/json',
  body: Buffer.from(over.text ?? ''),
  now: 0,
  ...over,
})

describe('Standard Webhooks', () => {
  // Published with the reference libraries (standard-webhooks/standard-webhooks, libraries/go/webhook_test.go, MIT).
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const sentAt = 1_614_265_330
  const vector = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': String(sentAt),
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }
  const text = '{"test": 2432232314}'
  const verify = standardWebhooks()
  const at = (now: number, headers: Record<string, string> = vector, body = text) =>
    verify(request({ headers, text: body, now: now * 1000 }), [secret])

  test('the published vector holds', () => {
    expect(at(sentAt)).toEqual({ ok: true, messageId: vector['webhook-id'] })
  })
  test('within five minutes, both ways', () => {
    expect(at(sentAt + TIMESTAMP_TOLERANCE_S)).toMatchObject({ ok: true })
    expect(at(sentAt - TIMESTAMP_TOLERANCE_S)).toMatchObject({ ok: true })
    expect(at(sentAt + TIMESTAMP_TOLERANCE_S + 1)).toEqual({ ok: false, reason: 'expired' })
    expect(at(sentAt - TIMESTAMP_TOLERANCE_S - 1)).toEqual({ ok: false, reason: 'expired' })
  })
  test('another body, id or time does not hold', () => {
    expect(at(sentAt, vector, `${text} `)).toEqual({ ok: false, reason: 'mismatch' })
    expect(at(sentAt, { ...vector, 'webhook-id': 'msg_x' })).toEqual({ ok: false, reason: 'mismatch' })
    expect(at(sentAt, { ...vector, 'webhook-timestamp': String(sentAt + 1) })).toEqual({
      ok: false,
      reason: 'mismatch',
    })
    expect(at(sentAt, { ...vector, 'webhook-timestamp': '1e9' })).toEqual({ ok: false, reason: 'mismatch' })
  })
  test('one good signature among several is enough; other versions count for nothing', () => {
    const good = vector['webhook-signature']
    expect(at(sentAt, { ...vector, 'webhook-signature': `v1,bm90aGluZw== ${good}` })).toMatchObject({ ok: true })
    expect(at(sentAt, { ...vector, 'webhook-signature': good.replace('v1,', 'v2,') })).toMatchObject({ ok: false })
    const tooMany = `${'v1,bm90aGluZw== '.repeat(10)}${good}`
    expect(at(sentAt, { ...vector, 'webhook-signature': tooMany })).toMatchObject({ ok: false })
  })
  test('either secret of a rotation holds', () => {
    const signed = request({ headers: vector, text, now: sentAt * 1000 })
    expect(verify(signed, ['whsec_bmV3IHNlY3JldA==', secret])).toMatchObject({ ok: true })
    expect(verify(signed, ['whsec_bmV3IHNlY3JldA=='])).toMatchObject({ ok: false })
    expect(verify(signed, [])).toMatchObject({ ok: false })
  })
  test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const)('%s is needed', (name) => {
    expect(at(sentAt, { ...vector, [name]: '' })).toEqual({ ok: false, reason: 'missing' })
  })
})

describe('Twilio-style', () => {
  // Published with the helper libraries (twilio-node, spec/validation.spec, MIT).
  const token = '12345'
  const url = 'https://mycompany.com/myapp.php?foo=1&bar=2'
  const params = {
    CallSid: 'CA1234567890ABCDE',
    Caller: '+14158675309',
    Digits: '1234',
    From: '+14158675309',
    To: '+18005551212',
  }
  const form = (values: Record<string, string>, signature: string, at = url) =>
    request({
      url: at,
      contentType: 'application/x-www-form-urlencoded; charset=utf-8',
      headers: { 'x-twilio-signature': signature },
      text: new URLSearchParams(values).toString(),
    })

  test('the published vector holds', () => {
    expect(twilio(form(params, 'RSOYDt4T1cUTdK1PDd93/VVr8B8='), [token])).toEqual({ ok: true })
    expect(twilio(form(params, 'WRONG_SIGNATURE'), [token])).toEqual({ ok: false, reason: 'mismatch' })
    expect(twilio(form({ ...params, Digits: '1235' }, 'RSOYDt4T1cUTdK1PDd93/VVr8B8='), [token])).toMatchObject({
      ok: false,
    })
    expect(twilio(form(params, 'RSOYDt4T1cUTdK1PDd93/VVr8B8='), ['other'])).toMatchObject({ ok: false })
  })
  test('with or without the default port in what was signed', () => {
    const ported = url.replace('mycompany.com', 'mycompany.com:443')
    const signature = createHmac('sha1', token)
      .update(ported + Object.entries(params).flat().join(''))
      .digest('base64')
    expect(twilio(form(params, signature), [token])).toEqual({ ok: true })
  })
  test('JSON bodies are bound by their digest in the address', () => {
    const text = '{"property": "value", "boolean": true}'
    const digest = createHash('sha256').update(text).digest('hex')
    const signed = `${url}&bodySHA256=${digest}`
    const headers = { 'x-twilio-signature': createHmac('sha1', token).update(signed).digest('base64') }
    expect(twilio(request({ url: signed, headers, text }), [token])).toEqual({ ok: true })
    expect(twilio(request({ url: signed, headers, text: `${text} ` }), [token])).toMatchObject({ ok: false })
  })
  test('a JSON body without a digest is bound by nothing and refused', () => {
    const headers = { 'x-twilio-signature': createHmac('sha1', token).update(url).digest('base64') }
    expect(twilio(request({ url, headers, text: '{}' }), [token])).toMatchObject({ ok: false })
  })
  test('a missing signature is said so', () => {
    expect(twilio(request({ url }), [token])).toEqual({ ok: false, reason: 'missing' })
  })
})

describe('shared header', () => {
  const verify = sharedHeader('X-Meteo-Key')
  test('the secret in the header named, or as bearer', () => {
    expect(verify(request({ headers: { 'x-meteo-key': 's1' } }), ['s1'])).toEqual({ ok: true })
    expect(verify(request({ headers: { authorization: 'Bearer s1' } }), ['s0', 's1'])).toEqual({ ok: true })
    expect(verify(request({ headers: { 'x-meteo-key': 's' } }), ['s1'])).toEqual({ ok: false, reason: 'mismatch' })
    expect(verify(request({}), ['s1'])).toEqual({ ok: false, reason: 'missing' })
    expect(verify(request({ headers: { 'x-meteo-key': '' } }), [''])).toEqual({ ok: false, reason: 'missing' })
  })
})

describe('basic', () => {
  const verify = basic('c-user')
  const authorization = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` })
  test('user name and secret of the connection', () => {
    expect(verify(request({ headers: authorization('c-user:s:1') }), ['s:1'])).toEqual({ ok: true })
    expect(verify(request({ headers: authorization('other:s:1') }), ['s:1'])).toEqual({ ok: false, reason: 'mismatch' })
    expect(verify(request({ headers: { authorization: 'Bearer s:1' } }), ['s:1'])).toEqual({
      ok: false,
      reason: 'missing',
    })
  })
})
