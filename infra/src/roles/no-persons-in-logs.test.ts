/** Names, addresses and topics are for the tenant: what is logged of a refusal or of a message says nothing of people. */
import pino from 'pino'
import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import type { ConnectionId, TenantId } from '@heliograph/crm-core/contracts'
import { createTestMailServer } from '../messages/smtp-server.fixture.ts'
import type { Settings } from '../settings.ts'
import { withoutPersons } from './edge.ts'
import { openMessages } from './messages.ts'
import type { RoleContext } from './context.ts'

function logged() {
  const lines: string[] = []
  return { lines, logger: pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }) }
}

it('a refused sign-in is logged by reason, tenant, connection and count', () => {
  const { lines, logger } = logged()
  const refusal = {
    reason: 'bad_credentials',
    at: 1,
    count: 12,
    address: '203.0.113.7',
    userName: 'anna.huber',
    tenantId: 't-1' as TenantId,
    connectionId: 'k-1' as ConnectionId,
    topic: 'huber/roof/power',
  } as unknown as Parameters<typeof withoutPersons>[0]
  logger.warn(withoutPersons(refusal), 'MQTT access refused')
  expect(JSON.parse(lines[0]!)).toMatchObject({
    reason: 'bad_credentials',
    tenant: 't-1',
    connection: 'k-1',
    count: 12,
  })
  expect(lines.join()).not.toMatch(/203\.0\.113\.7|anna|huber/)
})

it('a mail that is put off is logged by the numbers of the server, not by its words', async () => {
  const refusal = { responseCode: 450 }
  const server = await createTestMailServer({
    onRcptTo: ({ address }, _session, done) =>
      done(Object.assign(new Error(`4.2.2 <${address}>: mailbox of Anna Huber is full`), refusal)),
  })
  await server.up()
  const { lines, logger } = logged()
  const messages = await openMessages({
    settings: {
      engineUrls: { mail: `smtp://127.0.0.1:${server.port}?from=alerts%40helio.test`, sms: 'outbox:' },
    } as unknown as Settings,
    engines: { dataDir: '/nowhere', logger, publicUrl: 'http://helio.test' },
    metrics: new Registry(),
    logger,
  } as RoleContext)
  try {
    const mail = { id: 'a', to: 'anna.huber@customer.test', subject: 's', text: 't' }
    const answer = await messages.senders.mail!.send(mail)
    // Whose message it is sees the server's own words.
    expect(answer).toMatchObject({ outcome: 'retry', reason: expect.stringContaining('anna.huber') as string })
    const { code } = answer as { code?: string }
    expect(code).toBe('RCPT TO 450 4.2.2')
    messages.onDelivery({ channel: 'mail', result: 'retried', ...(code !== undefined && { code }) })
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0]!)).toMatchObject({ channel: 'mail', code: 'RCPT TO 450 4.2.2' })
    const crm = { notifications: { waiting: () => Promise.resolve(1) } } as never
    const [channel] = messages.channels(crm)
    expect(channel!.trouble()).toBe('RCPT TO 450 4.2.2')
    expect(lines.join() + channel!.trouble()).not.toMatch(/anna|huber/i)
  } finally {
    await messages.stop()
    await server.down()
  }
})
