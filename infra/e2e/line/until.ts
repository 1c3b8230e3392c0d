import { setTimeout as sleep } from 'node:timers/promises'

type Found<T> = Exclude<T, undefined | null | false | void>

/** Asks again and again until the answer is neither undefined nor false. @throws Error after the limit, with what it waited for */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  limitMs = 30_000,
  everyMs = 50,
): Promise<Found<T>> {
  const end = Date.now() + limitMs
  for (let last: unknown; ;) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== null && answer !== false) return answer as Found<T>
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms for ${what}`, { cause: last })
    await sleep(everyMs)
  }
}
