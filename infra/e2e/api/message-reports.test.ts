/** What an SMS provider tells of a message: signed calls change the outbox, all others nothing. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId, type MessageReport } from '@heliograph/crm-core/contracts'
import { ACCOUNT, TOKEN } from '../../src/messages/twilio-server.fixture.ts'
import { createTwilio } from '../../src/messages/twilio.ts'
import { createWorld, PUBLIC_URL, type World } from './world.ts'

describe('reports of an SMS provider', () => {
  let world: World
  let id: string
  const told: MessageReport[] = []
  beforeAll(async () => {
    const sms = createTwilio(new URL(`twilio+https://${ACCOUNT}:${TOKEN}@api.twilio.test?from=%2B15005550006`), {
      publicUrl: PUBLIC_URL,
    })
    world = await createWorld({
      deps: { readSmsReport: sms.readReport.bind(sms), onSmsReport: (report) => told.push(report) },
    })
    const row = await world.db.system.transaction(async (tx) => {
      const tenant = await tx.create('tenant', { name: 'T', status: 'active' })
      return await tx.create('notification', {
        tenantId: tenant.id,
        channel: 'sms',
        recipient: '+4915112345678',
        text: 'Inverter fault',
        state: 'sent',
        attempts: 1,
        providerId: 'SM1',
        dedupeKey: newId(),
        confidential: false,
      })
    })
    id = row.id
  })
  afterAll(() => world.stop())

  const path = (of: string) => `/ingest/v1/message-reports/sms/${of}`
  const call = (form: Record<string, string>, { to = id, signedFor = id, token = TOKEN } = {}) => {
    const text = Object.keys(form)
      .sort()
      .map((name) => name + form[name]!)
      .join('')
    return world.app.inject({
      method: 'POST',
      url: path(to),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': createHmac('sha1', token)
          .update(`${PUBLIC_URL}${path(signedFor)}${text}`)
          .digest('base64'),
      },
      payload: new URLSearchParams(form).toString(),
    })
  }
  const failed = { MessageSid: 'SM1', MessageStatus: 'undelivered', ErrorCode: '30003' }
  const state = async () => (await world.db.system.get('notification', id)).state

  it('believes nobody without the token, and no signature made for another message', async () => {
    expect((await call(failed, { token: 'a guess' })).statusCode).toBe(401)
    expect((await call(failed, { signedFor: newId() })).statusCode).toBe(401)
    const other = newId()
    expect((await call(failed, { to: other, signedFor: other })).statusCode).toBe(404)
    expect((await call(failed, { to: 'no-id', signedFor: 'no-id' })).statusCode).toBe(404)
    expect(await state()).toBe('sent')
    expect(told).toEqual([])
  })

  it('takes note of what was delivered, and shows what was not as failed, once', async () => {
    expect((await call({ MessageSid: 'SM1', MessageStatus: 'delivered' })).statusCode).toBe(204)
    expect(await state()).toBe('sent')
    for (let again = 0; again < 2; again++) expect((await call(failed)).statusCode).toBe(204)
    expect(await world.db.system.get('notification', id)).toMatchObject({
      state: 'failed',
      error: 'not delivered: undelivered (30003)',
    })
    expect(told[0]).toEqual({ outcome: 'delivered', providerId: 'SM1' })
  })

  it('believes nobody where no provider is set', async () => {
    const other = await createWorld()
    const { statusCode } = await other.app.inject({ method: 'POST', url: path(id), payload: 'x' })
    expect(statusCode).toBe(401)
    await other.stop()
  })
})
