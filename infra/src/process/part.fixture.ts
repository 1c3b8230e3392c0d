/** A part whose lives follow a plan: one letter is added to a file for each. */
import { appendFileSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { runChild } from './child.ts'

const file = process.env['PART_FILE']!
const plan = process.env['PART_PLAN']!.split(',')
appendFileSync(file, '.')
const life = plan[Math.min(readFileSync(file, 'utf8').length, plan.length) - 1]

await runChild(async () => {
  await sleep(Number(process.env['PART_SLOW_MS'] ?? 0))
  if (life === 'die') process.kill(process.pid, 'SIGKILL')
  class PartError extends Error {
    override name = 'PartError'
  }
  if (life === 'fail') throw new PartError('cannot, for a reason')
  const alive = setInterval(() => undefined, 1_000)
  if (life === 'hang')
    setTimeout(() => {
      for (;;);
    }, 100)
  return { stop: () => Promise.resolve(clearInterval(alive)) }
})
