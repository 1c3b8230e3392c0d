import { expect, it } from 'vitest'
import { createFailureLimits, type FailureChange, type FailureLimits } from './failure-limits.ts'

it('counts failures alone: any number of people may sign in from one address', () => {
  const limits = createFailureLimits({ max: () => 2, windowMs: 1_000, now: () => 0 })
  for (let person = 0; person < 10; person++) {
    const keys = [`account:${person}`, 'address:office']
    limits.check(keys)
    limits.fail(keys)
    limits.succeed([keys[0]!])
    limits.takeBack(['address:office'])
  }
  for (let attempt = 0; attempt < 2; attempt++) {
    limits.check(['address:office'])
    limits.fail(['address:office'])
  }
  expect(() => limits.check(['address:office'])).toThrow('Too many failed sign-ins')
})

it('counts what other processes have counted, and forgets with them', () => {
  const listeners: ((change: FailureChange) => void)[] = []
  const processes = Array.from({ length: 2 }, (_, self) =>
    createFailureLimits({
      max: () => 3,
      windowMs: 1_000,
      now: () => 0,
      peers: {
        tell: (change) => listeners.forEach((listener, at) => at !== self && listener(change)),
        subscribe: (listener) => (listeners.push(listener), () => undefined),
      },
    }),
  )
  const [one, other] = processes as [FailureLimits, FailureLimits]
  one.fail(['account:a'])
  other.fail(['account:a'])
  one.check(['account:a'])
  one.fail(['account:a'])
  for (const each of processes) expect(() => each.check(['account:a'])).toThrow('Too many failed sign-ins')
  other.succeed(['account:a'])
  for (const each of processes) each.check(['account:a'])
})
