import { describe, expect, it } from 'vitest'
import { RowBlock } from '@heliograph/crm-core/contracts'
import { InsertQueue, type Part } from './insert-queue.ts'

const part = (from: number, rows = 1, partition = 0): Part => ({
  partition,
  from,
  to: from + rows,
  blocks: [new RowBlock(['ts'], new Uint8Array(rows), rows, new Set([1]))],
})

interface Call {
  rows: number
  blocks: readonly unknown[]
}
function queueOf(
  insert: (call: Call) => Promise<void> | void,
  refused: (some: Part) => Promise<void> = async () => {},
) {
  const calls: Call[] = []
  const stored: number[] = []
  const errors: unknown[] = []
  const queue = new InsertQueue<Part>({
    warehouse: {
      async insert(_table, blocks) {
        const call = { rows: (blocks as RowBlock[]).reduce((sum, block) => sum + block.rows, 0), blocks }
        calls.push(call)
        await insert(call)
      },
    },
    stored: ({ from }) => void stored.push(from),
    refused,
    isRefusal: (error) => error === REFUSAL,
    onError: (error) => void errors.push(error),
  })
  return { queue, calls, stored, errors }
}
const REFUSAL = new Error('no such row')

describe('insert queue', () => {
  it('gathers what comes within a moment into one insert', async () => {
    const { queue, calls, stored } = queueOf(() => {})
    await Promise.all([queue.add(part(0, 10)), queue.add(part(10, 5)), queue.add(part(7, 2, 1))])
    expect(calls).toEqual([])
    await queue.drain()
    expect(calls.map(({ rows }) => rows)).toEqual([17])
    expect(stored).toEqual([0, 10, 7])
  })

  it('tries the same rows again until they are in', async () => {
    let failures = 2
    const { queue, calls, errors, stored } = queueOf(() => {
      if (failures-- > 0) throw new Error('the store is down')
    })
    await queue.add(part(0))
    const first = queue.drain()
    await queue.add(part(1))
    await first
    expect(errors).toHaveLength(2)
    expect(calls[1]!.blocks).toEqual(calls[0]!.blocks)
    expect(calls[2]!.blocks).toEqual(calls[0]!.blocks)
    await queue.drain()
    expect(stored).toEqual([0, 1])
  })

  it('lets nobody add beyond its bound while the store takes nothing, and goes on when it does', async () => {
    const open = Promise.withResolvers<void>()
    const { queue } = queueOf(() => open.promise)
    await queue.add(part(0, 39_999))
    let added = false
    const waiting = queue.add(part(39_999, 10)).then(() => (added = true))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(added).toBe(false)
    open.resolve()
    await waiting
  })

  it('is behind a stretch without rows only when it is behind what came before it', async () => {
    const open = Promise.withResolvers<void>()
    const { queue, stored } = queueOf(() => open.promise)
    await queue.add(part(0))
    await queue.add({ partition: 0, from: 9, to: 9, blocks: [] })
    expect(stored).toEqual([])
    open.resolve()
    await queue.drain()
    expect(stored).toEqual([0, 9])
  })

  it('hands each part back that the store refuses, and stores what comes after', async () => {
    let first = true
    const again: number[] = []
    const { queue, stored } = queueOf(
      () => {
        if (!first) return
        first = false
        throw REFUSAL
      },
      async ({ from }) => void again.push(from),
    )
    await Promise.all([queue.add(part(0)), queue.add(part(1))])
    await queue.drain()
    await queue.add(part(2))
    await queue.drain()
    expect(again).toEqual([0, 1])
    expect(stored).toEqual([0, 1, 2])
  })

  it('ends while the store is down: who waits is told, and nothing counts as stored', async () => {
    const { queue, stored } = queueOf(() => {
      throw new Error('the store is down')
    })
    await queue.add(part(0, 39_999))
    const waiting = expect(queue.add(part(39_999, 10))).rejects.toThrow('stopping')
    const drained = expect(queue.drain()).rejects.toThrow('stopping')
    await queue.stop()
    await Promise.all([waiting, drained])
    expect(stored).toEqual([])
  })
})
