import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../process/free-port.ts'
import { describeMessages } from './messages.conformance.ts'
import { ACCOUNT, createTestSmsServer, TOKEN, type TestSmsServer } from './twilio-server.fixture.ts'
import { createTwilio } from './twilio.ts'

const from = 'from=%2B15005550006'
const publicUrl = 'https://helio.test'

describeMessages('an HTTP service of Twilio’s shape', async () => {
  const provider = await createTestSmsServer()
  const url = new URL(`twilio+http://${ACCOUNT}:${TOKEN}@127.0.0.1:${provider.port}?${from}`)
  return { provider, recipient: '+4915112345678', sender: createTwilio(url, { publicUrl, answerMs: 500 }) }
})

describe('SMS by an HTTP service of Twilio’s shape', () => {
  let server: TestSmsServer
  beforeEach(async () => {
    server = await createTestSmsServer()
    await server.up()
  })
  afterEach(() => server.down())
  const at = () => `127.0.0.1:${server.port}`
  const fault = (url: string): Promise<string> =>
    createTwilio(new URL(url), { publicUrl })
      .check()
      .then(
        () => 'fine',
        (error: Error) => error.message,
      )

  it('sends from a number or by a messaging service, and asks for reports where it can be reached', async () => {
    const service = 'MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
    const sms = { id: '0197a3', to: '+4915112345678', text: 'Hello! 👍' }
    for (const [query, reachedAt] of [
      ['from=+15005550006', publicUrl],
      [`messagingService=${service}`, 'http://127.0.0.1:8080'],
    ] as const) {
      const sender = createTwilio(new URL(`twilio+http://${ACCOUNT}:${TOKEN}@${at()}?${query}`), {
        publicUrl: reachedAt,
      })
      expect(await sender.send(sms)).toMatchObject({
        outcome: 'sent',
        providerId: expect.stringMatching(/^SM/) as string,
      })
    }
    expect(server.forms).toEqual([
      {
        To: sms.to,
        Body: sms.text,
        From: '+15005550006',
        StatusCallback: 'https://helio.test/ingest/v1/message-reports/sms/0197a3',
      },
      { To: sms.to, Body: sms.text, MessagingServiceSid: service },
    ])
  })

  it('understands reports that are signed with its token, and no others', () => {
    const sender = createTwilio(new URL(`twilio+https://${ACCOUNT}:${TOKEN}@api.twilio.test?${from}`), { publicUrl })
    const url = 'https://helio.test/ingest/v1/message-reports/sms/0197a3'
    const report = (form: Record<string, string>, token = TOKEN) => {
      const signed =
        url +
        Object.keys(form)
          .sort()
          .map((name) => name + form[name]!)
          .join('')
      return sender.readReport({
        url,
        headers: { 'x-twilio-signature': createHmac('sha1', token).update(signed).digest('base64') },
        contentType: 'application/x-www-form-urlencoded',
        body: Buffer.from(new URLSearchParams(form).toString()),
      })
    }
    const base = { MessageSid: 'SM1', AccountSid: ACCOUNT, To: '+4915112345678', ApiVersion: '2010-04-01' }
    expect(report({ ...base, MessageStatus: 'delivered' })).toEqual({ outcome: 'delivered', providerId: 'SM1' })
    expect(report({ ...base, MessageStatus: 'sent' })).toEqual({ outcome: 'underway', providerId: 'SM1' })
    expect(report({ ...base, MessageStatus: 'undelivered', ErrorCode: '30003' })).toEqual({
      outcome: 'failed',
      providerId: 'SM1',
      reason: 'undelivered (30003)',
    })
    expect(report({ ...base, MessageStatus: 'delivered' }, 'another token')).toBeUndefined()
  })

  it('says in one line which setting is wrong and how to mend it', async () => {
    const nobody = await freePort()
    expect(await fault(`twilio+http://${ACCOUNT}:${TOKEN}@${at()}?${from}`)).toBe('fine')
    for (const [url, said] of [
      [`twilio+http://${ACCOUNT}:wr0ng@${at()}?${from}`, `${at()} refuses account or token`],
      [`twilio+http://${ACCOUNT}:${TOKEN}@127.0.0.1:${nobody}?${from}`, `nothing listens on 127.0.0.1:${nobody}`],
      [`twilio+http://${ACCOUNT}:${TOKEN}@${at()}/elsewhere?${from}`, 'knows no such account'],
      [
        `twilio+https://${ACCOUNT}:${TOKEN}@no-such-host.invalid?${from}`,
        'there is no host for no-such-host.invalid:443',
      ],
      [`twilio+https://${ACCOUNT}:${TOKEN}@${at()}?${from}`, 'does not speak TLS'],
    ] as const) {
      const told = await fault(url)
      expect(told).toMatch(/^HELIO_SMS_URL: [^\n]+$/)
      expect(told).toContain(said)
      expect(told).not.toMatch(/s3cret|wr0ng/)
    }
  })

  it.each([
    ['twilio+https://api.twilio.test', 'either ?from='],
    [`twilio+https://api.twilio.test?${from}`, 'write twilio+https://ACCOUNT:TOKEN@'],
    [`twilio+http://a:b@api.twilio.test?${from}`, 'sends its token in clear'],
    [`twilio+https://a:b@api.twilio.test?${from}&x=1`, 'knows no x='],
    ['twilio+https://a:b@api.twilio.test?messagingService=SM1', 'an id that begins with MG'],
  ])('refuses %s', (url, said) => {
    expect(() => createTwilio(new URL(url), { publicUrl })).toThrow(said)
  })
})
