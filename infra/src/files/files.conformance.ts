/** What every engine of the files port promises. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FileStore } from '@heliograph/crm-core/contracts'

export function describeFiles(
  name: string,
  create: () => Promise<{ store: FileStore; remove(): Promise<void> }>,
): void {
  describe(`files in ${name}`, () => {
    let store: FileStore
    let remove: () => Promise<void>
    beforeEach(async () => {
      ;({ store, remove } = await create())
      await store.start()
    })
    afterEach(async () => {
      await store.stop()
      await remove()
    })
    const bytes = (...values: number[]) => Uint8Array.from(values)
    const listed = async (prefix: string) => {
      const keys: string[] = []
      for await (const key of store.list(prefix)) keys.push(key)
      return keys.sort()
    }

    it('gives back the bytes and the type that were put', async () => {
      await store.put('t1/tickets/a', bytes(0, 255, 10, 13), 'image/png')
      const found = await store.get('t1/tickets/a')
      expect([...(found?.bytes ?? [])]).toEqual([0, 255, 10, 13])
      expect(found?.contentType).toBe('image/png')
    })
    it('keeps empty files and replaces what a key held', async () => {
      await store.put('t1/k', bytes(), 'text/plain')
      expect((await store.get('t1/k'))?.bytes).toHaveLength(0)
      await store.put('t1/k', bytes(1, 2), 'application/pdf')
      expect(await store.get('t1/k')).toMatchObject({ contentType: 'application/pdf' })
    })
    it('knows nothing of what was never put or was deleted', async () => {
      expect(await store.get('t1/none')).toBeUndefined()
      await store.put('t1/gone', bytes(1), 'text/plain')
      await store.delete('t1/gone')
      await store.delete('t1/gone')
      expect(await store.get('t1/gone')).toBeUndefined()
      expect(await store.get('t1/gone/below')).toBeUndefined()
    })
    it('lists by prefix, across folders', async () => {
      for (const key of ['t1/tickets/a', 't1/tickets/b', 't1/reports/c', 't2/tickets/a'])
        await store.put(key, bytes(1), 'text/plain')
      expect(await listed('t1/')).toEqual(['t1/reports/c', 't1/tickets/a', 't1/tickets/b'])
      expect(await listed('t1/tickets/a')).toEqual(['t1/tickets/a'])
      expect(await listed('t3/')).toEqual([])
      expect(await listed('')).toHaveLength(4)
    })
    it('never shows half a file: of many writers of one key one wins whole', async () => {
      const sizes = [10, 100_000, 7]
      await Promise.all(
        sizes.map((size, value) => store.put('t1/race', new Uint8Array(size).fill(value), 'text/plain')),
      )
      const found = (await store.get('t1/race'))!.bytes
      expect(sizes).toContain(found.length)
      expect(new Set(found).size).toBe(1)
    })
    it.each(['../up', '/root', 'a/../../b', 'a\0b', 'with space', '', 'a'.repeat(500)])(
      'refuses the key %j',
      async (key) => {
        await expect(store.put(key, bytes(1), 'text/plain')).rejects.toThrow()
        await expect(store.get(key)).rejects.toThrow()
      },
    )
  })
}
