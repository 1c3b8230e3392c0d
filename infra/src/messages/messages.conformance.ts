/** What every way to send mail or SMS promises, against a provider of its kind that really takes messages. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newId, type SendResult } from '@heliograph/crm-core/contracts'

export interface Taken {
  /** The outbox's id, as the provider sees it; undefined where its kind of provider is told none. */
  id: string | undefined
  to: string
  text: string
}
/** `refuse`: the recipient, for good. `cut`: takes the message and hangs up without an answer. */
export type Mood = 'take' | 'busy' | 'refuse' | 'hang' | 'cut'
export interface TestProvider {
  taken: Taken[]
  mood: Mood
  /** Where it listens while it is up; the same address every time. */
  up(): Promise<void>
  down(): Promise<void>
}
export interface TestWay {
  provider: TestProvider
  /** Somebody whom this channel reaches. */
  recipient: string
  sender: {
    send(message: { id: string; to: string; subject: string; text: string }): Promise<SendResult>
    check(): Promise<void>
    stop(): Promise<void>
  }
}

export function describeMessages(name: string, create: () => Promise<TestWay>): void {
  describe(`messages by ${name}`, () => {
    let way: TestWay
    beforeEach(async () => {
      way = await create()
      await way.provider.up()
    })
    afterEach(async () => {
      await way.sender.stop()
      await way.provider.down()
    })
    const message = (more: { id?: string; text?: string } = {}) => ({
      id: newId(),
      to: way.recipient,
      subject: 'Alarm: Zähler ☀',
      text: 'Inverter fault 301',
      ...more,
    })

    it('hands a message over whole, under its id, and says that it is sent', async () => {
      const sent = message({ text: 'Störung ☀ “dead string”\n.\n..one dot on a line\nEnd' })
      expect(await way.sender.send(sent)).toMatchObject({ outcome: 'sent' })
      expect(way.provider.taken).toHaveLength(1)
      const [taken] = way.provider.taken
      expect(taken).toMatchObject({ to: sent.to, text: sent.text })
      expect([undefined, sent.id]).toContain(taken!.id)
    })
    it('asks to be tried again while the provider is busy', async () => {
      way.provider.mood = 'busy'
      expect(await way.sender.send(message())).toMatchObject({ outcome: 'retry' })
      way.provider.mood = 'take'
      expect(await way.sender.send(message())).toMatchObject({ outcome: 'sent' })
    })
    it('gives up on a recipient that is refused, and says why', async () => {
      way.provider.mood = 'refuse'
      const result = await way.sender.send(message())
      expect(result).toMatchObject({ outcome: 'failed', reason: expect.stringMatching(/./) as string })
      expect(JSON.stringify(result)).not.toContain('s3cret')
      expect(way.provider.taken).toEqual([])
    })
    it('waits for a provider that is down, and goes on when it is back', async () => {
      await way.sender.send(message())
      await way.provider.down()
      expect(await way.sender.send(message())).toMatchObject({ outcome: 'retry' })
      await way.provider.up()
      expect(await way.sender.send(message())).toMatchObject({ outcome: 'sent' })
      expect(way.provider.taken).toHaveLength(2)
    })
    it('does not wait for ever for an answer', async () => {
      way.provider.mood = 'hang'
      expect(await way.sender.send(message())).toMatchObject({ outcome: 'retry' })
    })
    it('says nothing was sent where the answer was lost, and sends again under the same id', async () => {
      const sent = message()
      way.provider.mood = 'cut'
      expect(await way.sender.send(sent)).toMatchObject({ outcome: 'retry' })
      way.provider.mood = 'take'
      expect(await way.sender.send(sent)).toMatchObject({ outcome: 'sent' })
      expect(way.provider.taken).toHaveLength(2)
      expect(new Set(way.provider.taken.map(({ id }) => id)).size).toBe(1)
    })
    it('sends many at once, each of them once', async () => {
      const many = Array.from({ length: 40 }, (_, at) => message({ text: `message ${at}` }))
      const results = await Promise.all(many.map((each) => way.sender.send(each)))
      expect(results.every(({ outcome }) => outcome === 'sent')).toBe(true)
      expect(way.provider.taken.map(({ text }) => text).sort()).toEqual(many.map(({ text }) => text).sort())
    })
    it('tries the way without sending anything', async () => {
      await way.sender.check()
      expect(way.provider.taken).toEqual([])
      await way.provider.down()
      await expect(way.sender.check()).rejects.toThrow(/^HELIO_(MAIL|SMS)_URL: nothing listens on 127\.0\.0\.1:\d+/)
    })
  })
}
