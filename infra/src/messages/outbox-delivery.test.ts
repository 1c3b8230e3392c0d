/** From the outbox to real servers: what is queued arrives, once, whoever sends and whatever breaks between. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCrmJobs, type DeliveryResult } from '@heliograph/crm-core'
import { newId, type MailSender, type TenantId } from '@heliograph/crm-core/contracts'
import { openTestCrm, type TestCrm } from '../crm/open-for-test.ts'
import { createTestMailServer, type TestMailServer } from './smtp-server.fixture.ts'
import { createSmtp } from './smtp.ts'

describe('delivery of the outbox', () => {
  let test: TestCrm
  let server: TestMailServer
  let mail: Required<MailSender>
  let email: string
  let tenantId: TenantId
  const results: string[] = []
  const onDelivery = ({ channel, result }: DeliveryResult) => results.push(`${channel} ${result}`)
  beforeEach(async () => {
    test = await openTestCrm()
    ;({ email, tenantId } = await test.tenant())
    server = await createTestMailServer()
    await server.up()
    mail = createSmtp(new URL(`smtp://127.0.0.1:${server.port}?from=a%40helio.test`), { silenceMs: 300 })
    results.length = 0
  })
  afterEach(async () => {
    await mail.stop()
    await server.down()
    await test.stop()
  })
  const queue = (count = 1): Promise<unknown> =>
    test.db.systemIn(tenantId, 'test').transaction((tx) =>
      tx.createMany(
        'notification',
        Array.from({ length: count }, () => ({
          channel: 'mail' as const,
          recipient: 'anna@customer.test',
          subject: 'Alarm',
          text: 'Inverter fault 301',
          state: 'queued' as const,
          attempts: 0,
          nextAttemptAt: new Date(test.clock.now),
          dedupeKey: newId(),
          confidential: false,
        })),
      ),
    )
  const waiting = () => test.crm.notifications.waiting(['mail'])

  it('sends each message once, by two processes that both believe that it is their turn', async () => {
    await queue(15)
    const before = await waiting()
    expect(before).toBe(15)
    const counts = await Promise.all([
      test.crm.notifications.deliver({ mail }, 20, onDelivery),
      test.crm.notifications.deliver({ mail }, 20, onDelivery),
    ])
    expect(counts[0].sent + counts[1].sent).toBe(15)
    expect(new Set(server.taken.map(({ id }) => id)).size).toBe(15)
    expect(server.taken).toHaveLength(15)
    expect(await waiting()).toBe(0)
  })

  it('leaves what a process died over to the next one, under the same id', async () => {
    await queue()
    // The server has the mail; the process is gone before it writes that down.
    void test.crm.notifications.deliver({
      mail: {
        async send(message) {
          await mail.send(message)
          return new Promise(() => undefined)
        },
      },
    })
    await expect.poll(() => server.taken.length).toBe(1)
    expect(await test.crm.notifications.deliver({ mail })).toMatchObject({ sent: 0 })
    test.clock.now += 61_000
    expect(await test.crm.notifications.deliver({ mail })).toMatchObject({ sent: 1 })
    expect(server.taken).toHaveLength(2)
    expect(new Set(server.taken.map(({ id }) => id)).size).toBe(1)
    test.clock.now += 61_000
    expect(await test.crm.notifications.deliver({ mail })).toMatchObject({ sent: 0 })
  })

  it('waits while the server is down, longer each time, and sends when it is back; refused addresses are given up', async () => {
    const errors: unknown[] = []
    const jobs = createCrmJobs({
      crm: test.crm,
      senders: { mail },
      onDelivery,
      now: () => test.clock.now,
      onError: (error) => errors.push(error),
    })
    await queue()
    await server.down()
    await jobs.tick()
    await jobs.tick()
    test.clock.now += 30_000
    await jobs.tick()
    test.clock.now += 30_000
    await jobs.tick()
    expect(results).toEqual(['mail retried', 'mail retried'])
    await server.up()
    test.clock.now += 30_000
    await jobs.tick()
    expect(results.at(-1)).toBe('mail sent')
    const [row] = await test.db.system.find('notification')
    expect(row).toMatchObject({ state: 'sent', attempts: 3, providerId: expect.stringContaining('4711') as string })

    server.mood = 'refuse'
    await test.crm.auth.requestReset({ email })
    await jobs.tick()
    expect(results.at(-1)).toBe('mail failed')
    expect(await test.db.system.find('notification', { where: { state: 'failed' } })).toMatchObject([
      { error: expect.stringContaining('no such mailbox') as string, nextAttemptAt: null },
    ])
    await jobs.stop()
    expect(errors).toEqual([])
  })

  it('believes a provider that reports a failure, before or after its answer is written down', async () => {
    await queue(2)
    const [early, late] = await test.db.system.find('notification')
    const report = (id: string, providerId?: string) =>
      test.crm.notifications.report('mail', id, {
        outcome: 'failed',
        reason: 'undelivered (30003)',
        ...(providerId && { providerId }),
      })
    await test.crm.notifications.deliver({
      mail: {
        async send({ id }) {
          if (id === early!.id) await report(id, 'SM1')
          return { outcome: 'sent', providerId: 'SM1' }
        },
      },
    })
    expect(await report(late!.id, 'SM2')).toBe(false)
    expect(await report(late!.id, 'SM1')).toBe(true)
    expect(await test.crm.notifications.report('sms', late!.id, { outcome: 'delivered' })).toBe(false)
    for (const { id } of [early!, late!])
      expect(await test.db.system.get('notification', id)).toMatchObject({
        state: 'failed',
        attempts: 1,
        providerId: 'SM1',
        error: 'not delivered: undelivered (30003)',
      })
  })
})
