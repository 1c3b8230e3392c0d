import type { Caller } from '../../contracts/index.ts'
import type { Revocations } from './revocation.ts'

interface Entry {
  caller: Caller
  /** UTC milliseconds: past it the credential is no longer good. */
  expiresAt: number
  loadedAt: number
}
/** An entry is read again after this long, in case a revocation in another process was missed. */
const TRUST_MS = 10_000
const MAX_ENTRIES = 20_000

/** Who a token's hash belongs to, in memory: a check costs microseconds, a revocation takes the entry out at once. */
export function createCallerCache(revocations: Revocations, now: () => number) {
  const entries = new Map<string, Entry>()
  // A load that began before a revocation must not put the old rights back.
  let epoch = 0
  revocations.onRevoked(({ callerIds = [], sessionIds = [] }) => {
    epoch++
    for (const [key, { caller }] of entries)
      if (callerIds.includes(caller.id) || (caller.sessionId !== undefined && sessionIds.includes(caller.sessionId)))
        entries.delete(key)
  })

  /** @param load answers undefined for tokens that are not, or no longer, good */
  async function resolve(
    key: string,
    load: () => Promise<{ caller: Caller; expiresAt: number } | undefined>,
  ): Promise<Caller | undefined> {
    const at = now()
    const entry = entries.get(key)
    if (entry !== undefined && at - entry.loadedAt < TRUST_MS) {
      if (entry.expiresAt > at) return entry.caller
      entries.delete(key)
      return undefined
    }
    const before = epoch
    const loaded = await load()
    entries.delete(key)
    if (loaded === undefined) return undefined
    if (before === epoch) entries.set(key, { ...loaded, loadedAt: at })
    if (entries.size > MAX_ENTRIES) entries.delete(entries.keys().next().value!)
    return loaded.caller
  }
  return { resolve, forget: (key: string) => entries.delete(key) }
}
