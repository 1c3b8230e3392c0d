import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { type Warehouse, WarehouseError } from '@heliograph/crm-core/contracts'
import { beginWithStore, startWarehouse, type StartedWarehouse } from './start-warehouse.ts'

const options = { onDown: () => undefined, onUnusable: () => undefined }

/** A store that does not answer until it is told to. */
function storeThatIs(up: boolean) {
  const store = {
    up,
    start: () =>
      store.up ? Promise.resolve() : Promise.reject(new WarehouseError('warehouse_unavailable', 'nobody answers')),
    stop: () => Promise.resolve(),
  }
  return store
}
const start = (store: ReturnType<typeof storeThatIs>): Promise<StartedWarehouse> =>
  startWarehouse(store as unknown as Warehouse, options)

describe('what needs a store', () => {
  it('begins in its place where the store is up', async () => {
    const begun: boolean[] = []
    await beginWithStore(await start(storeThatIs(true)), async (late) => void begun.push(late), console.error)
    expect(begun).toEqual([false])
  })

  it.each([
    ['before it is asked for', 'before'],
    ['while the process is still starting', 'during'],
    ['long after', 'after'],
  ])('begins once when the store comes up %s', async (_, when) => {
    const store = storeThatIs(false)
    const started = await start(store)
    const begun: boolean[] = []
    const comeUp = async (): Promise<void> => {
      store.up = true
      await vi.waitFor(() => expect(started.isUp).toBe(true), 5_000)
    }
    if (when === 'before') await comeUp()
    await beginWithStore(started, async (late) => void begun.push(late), console.error)
    if (when === 'during') await comeUp()
    // The rest of a start takes its time.
    await sleep(20)
    if (when === 'after') await comeUp()
    expect(begun).toEqual([when !== 'before'])
    await started.stop()
  })

  it('tells when it could not begin late', async () => {
    const store = storeThatIs(false)
    const started = await start(store)
    const failures: unknown[] = []
    await beginWithStore(
      started,
      () => Promise.reject(new Error('no')),
      (error) => failures.push(error),
    )
    store.up = true
    await vi.waitFor(() => expect(failures).toEqual([new Error('no')]), 5_000)
    await started.stop()
  })
})
