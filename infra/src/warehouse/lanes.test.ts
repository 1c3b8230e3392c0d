import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { LaneBusyError, LaneClosedError, WorkerLane } from './lanes.ts'

describe('a lane', () => {
  it('gives each worker one task at a time, in order', async () => {
    const lane = new WorkerLane('light', ['a', 'b'], 100)
    const running = new Set<string>()
    const started: number[] = []
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        lane.run(async (worker) => {
          expect(running.has(worker)).toBe(false)
          running.add(worker)
          started.push(index)
          await sleep(1)
          running.delete(worker)
        }),
      ),
    )
    expect(started).toEqual(Array.from({ length: 20 }, (_, index) => index))
  })
  it('refuses beyond its bound and goes on after a failure', async () => {
    const lane = new WorkerLane('heavy', [0], 2)
    const gate = Promise.withResolvers<void>()
    const first = lane.run(() => gate.promise)
    const second = lane.run(() => Promise.reject(new Error('failed')))
    const third = lane.run(() => Promise.resolve('third'))
    await expect(lane.run(() => Promise.resolve())).rejects.toThrow(LaneBusyError)
    gate.resolve()
    await first
    await expect(second).rejects.toThrow('failed')
    expect(await third).toBe('third')
  })
  it('drops what was called off while it waited', async () => {
    const lane = new WorkerLane('light', [0], 10)
    const gate = Promise.withResolvers<void>()
    const first = lane.run(() => gate.promise)
    const off = new AbortController()
    let ran = false
    const second = lane.run(() => {
      ran = true
      return Promise.resolve()
    }, off.signal)
    off.abort()
    gate.resolve()
    await first
    await expect(second).rejects.toThrow('QUERY_WAS_CANCELLED')
    expect(ran).toBe(false)
  })
  it('closes when what runs has ended, and refuses the rest', async () => {
    const lane = new WorkerLane('insert', [0], 10)
    const gate = Promise.withResolvers<void>()
    let done = false
    const first = lane.run(() => gate.promise).then(() => (done = true))
    const second = lane.run(() => Promise.resolve())
    const closed = lane.close()
    await expect(second).rejects.toThrow(LaneClosedError)
    await expect(lane.run(() => Promise.resolve())).rejects.toThrow(LaneClosedError)
    gate.resolve()
    await first
    await closed
    expect(done).toBe(true)
  })
})
