/** The one unused longest is forgotten first. */
const MAX_ENTRIES = 20_000

/** One look-up per key within a time, shared by those who ask meanwhile. Failures are not remembered. */
export function createShortMemory<V>(now: () => number, ttlMs: number, most: number = MAX_ENTRIES) {
  const entries = new Map<string, { at: number; value: Promise<V | undefined> }>()
  return (key: string, load: () => Promise<V | undefined>): Promise<V | undefined> => {
    const known = entries.get(key)
    if (known !== undefined && now() - known.at < ttlMs) return known.value
    const entry = { at: now(), value: load() }
    entry.value.catch(() => {
      if (entries.get(key) === entry) entries.delete(key)
    })
    entries.delete(key)
    entries.set(key, entry)
    if (entries.size > most) entries.delete(entries.keys().next().value!)
    return entry.value
  }
}
