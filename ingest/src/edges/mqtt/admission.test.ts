import { describe, expect, it } from 'vitest'
import { createAdmission, createBucket } from './admission.ts'

const limits = { connectsPerSecond: 10, connectBurst: 3, connectWaitMs: 500, failuresPerMinute: 2 }

describe('admission', () => {
  it('lets a burst in, then one after the other, then nobody until the queue is shorter', () => {
    const admission = createAdmission(limits)
    const waits = Array.from({ length: 10 }, () => admission.turn(1_000))
    expect(waits).toEqual([0, 0, 0, 100, 200, 300, 400, 500, undefined, undefined])
    expect(admission.turn(1_100)).toBe(500)
    expect(admission.turn(60_000)).toBe(0)
  })
  it('locks a name that failed too often, for a minute', () => {
    const admission = createAdmission(limits)
    admission.failed('a', 0)
    expect(admission.locked('a', 1)).toBe(false)
    admission.failed('a', 1)
    expect(admission.locked('a', 2)).toBe(true)
    expect(admission.locked('b', 2)).toBe(false)
    expect(admission.locked('a', 60_000)).toBe(false)
  })
})

describe('a bucket', () => {
  it('gives its burst, then its rate', () => {
    const take = createBucket(2, 3)
    expect([take(0), take(0), take(0), take(0)]).toEqual([true, true, true, false])
    expect([take(500), take(500)]).toEqual([true, false])
    expect(take(400)).toBe(false)
  })
})
