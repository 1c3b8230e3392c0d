import { hash, verify } from '@node-rs/argon2'
import { ProblemError } from '../../contracts/index.ts'

/** Argon2id with the first choice of the OWASP password storage cheat sheet: 19 MiB, two passes, one lane. */
const ARGON2 = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
/** Each one holds 19 MiB and a thread of the pool that file and name look-ups share. */
const MAX_RUNNING = 2
const MAX_WAITING = 100

let running = 0
const waiting: (() => void)[] = []

async function bounded<R>(work: () => Promise<R>): Promise<R> {
  if (running >= MAX_RUNNING) {
    if (waiting.length >= MAX_WAITING) throw new ProblemError('overloaded', undefined, { retryAfterS: 2 })
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
  running++
  try {
    return await work()
  } finally {
    running--
    waiting.shift()?.()
  }
}

export const hashPassword = (password: string): Promise<string> => bounded(() => hash(password, ARGON2))

let decoy: Promise<string> | undefined
/**
 * Checks a password. Without a hash (no such account, none chosen yet) as much work is done for nothing, so that the time of
 * the answer does not tell which accounts exist.
 */
export async function verifyPassword(passwordHash: string | null | undefined, password: string): Promise<boolean> {
  decoy ??= hashPassword('heliograph has no such account')
  const known = passwordHash ?? (await decoy)
  const matches = await bounded(() => verify(known, password))
  return matches && passwordHash !== null && passwordHash !== undefined
}
