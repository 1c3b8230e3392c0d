import { expect, it } from 'vitest'
import { createFailureLimits } from './failure-limits.ts'

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
