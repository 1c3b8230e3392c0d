/** What every engine of the live port promises. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LiveBus, LiveValue } from '@heliograph/crm-core/contracts'

const value = (key: string, ts: number, content: unknown = ts, tenantId = 'a'): LiveValue => ({
  key,
  ts,
  tenantId,
  value: content,
})
const contents = (values: LiveValue[] | undefined) => values?.map((found) => found.value)

export function describeLive(name: string, create: () => LiveBus): void {
  describe(`live bus on ${name}`, () => {
    let bus: LiveBus
    beforeEach(async () => {
      bus = create()
      await bus.start()
    })
    afterEach(() => bus.stop())

    it('keeps the newest value per key; an older one never replaces it', () => {
      bus.publish([value('device:1', 10)])
      bus.publish([value('device:1', 5)])
      expect(bus.get('device:1')?.ts).toBe(10)
      bus.publish([value('device:1', 10, 'corrected')])
      expect(bus.get('device:1')?.value).toBe('corrected')
    })

    it('tells subscribers of what was taken in and of nothing else', () => {
      const heard: unknown[] = []
      const end = bus.subscribe((values) => heard.push(contents(values)))
      bus.publish([value('device:1', 2), value('device:2', 1)])
      bus.publish([value('device:1', 1)])
      end()
      bus.publish([value('device:1', 3)])
      expect(heard).toEqual([[2, 1]])
    })

    it('lists by prefix and tenant', () => {
      bus.publish([value('device:1', 1), value('site:1', 2), value('device:2', 3, 'theirs', 'b')])
      expect(contents(bus.list('a', 'device:'))).toEqual([1])
    })

    it('gives what changed after a cursor, newest per key, of one tenant', () => {
      bus.publish([value('device:1', 1)])
      const cursor = bus.cursor()
      expect(bus.since(cursor, 'a')).toEqual([])
      bus.publish([value('device:1', 2), value('device:1', 3), value('device:2', 9, 'theirs', 'b')])
      expect(contents(bus.since(cursor, 'a'))).toEqual([3])
    })

    it('asks for a snapshot where a cursor is of another life, damaged or too old', () => {
      expect(bus.since('gone.0', 'a')).toBeUndefined()
      expect(bus.since('nonsense', 'a')).toBeUndefined()
      const cursor = bus.cursor()
      for (let round = 0; round < 30; round++)
        bus.publish(Array.from({ length: 10_000 }, (_, index) => value(`device:${index}`, round)))
      expect(bus.since(cursor, 'a')).toBeUndefined()
    })

    it('is not stopped by a listener that fails', () => {
      const heard: unknown[] = []
      bus.subscribe(() => {
        throw new Error('a bug of one listener')
      })
      bus.subscribe((values) => heard.push(...values))
      bus.publish([value('device:1', 1)])
      expect(heard).toHaveLength(1)
    })
  })
}
