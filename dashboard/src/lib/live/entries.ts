/** What is known of a topic, and how updates change it. */
import type { LiveUpdate } from '@heliograph/crm-core/contracts'

export interface LiveEntry<Value> {
  /** UTC milliseconds. */
  ts: number
  value: Value
}
export type LiveEntries<Value> = ReadonlyMap<string, LiveEntry<Value>>

export const noEntries = <Value>(): LiveEntries<Value> => new Map<string, LiveEntry<Value>>()

/**
 * The entries after some updates, as a new map: what shows them compares by identity.
 * @param whole the updates are a snapshot: what is not among them is gone
 * @param prefix taken off the keys: `site:` turns `site:ID` into `ID`
 */
export function mergeEntries<Value>(
  before: LiveEntries<Value>,
  updates: readonly LiveUpdate[],
  whole: boolean,
  prefix = '',
): LiveEntries<Value> {
  const entries = new Map<string, LiveEntry<Value>>(whole ? [] : before)
  for (const { key, ts, value } of updates) {
    const name = key.startsWith(prefix) ? key.slice(prefix.length) : key
    if (value === null || value === undefined) entries.delete(name)
    else entries.set(name, { ts, value: value as Value })
  }
  return entries
}

/** Entries that are changed in place, for topics of many keys. */
export class EntryStore<Value> {
  readonly #entries = new Map<string, LiveEntry<Value>>()

  /** @param whole as for `mergeEntries` @returns what is another one now, and what is gone */
  apply(
    updates: readonly LiveUpdate[],
    whole: boolean,
    prefix: string,
  ): { set: [string, LiveEntry<Value>][]; gone: string[] } {
    const set: [string, LiveEntry<Value>][] = []
    const gone = new Set<string>(whole ? this.#entries.keys() : [])
    for (const { key, ts, value } of updates) {
      const name = key.startsWith(prefix) ? key.slice(prefix.length) : key
      if (value === null || value === undefined) gone.add(name)
      else {
        const entry = { ts, value: value as Value }
        this.#entries.set(name, entry)
        set.push([name, entry])
        gone.delete(name)
      }
    }
    for (const name of gone) this.#entries.delete(name)
    return { set, gone: [...gone] }
  }
  copy(): LiveEntries<Value> {
    return new Map(this.#entries)
  }
}

/** Address of the live socket of the server that a page came from. */
export function liveAddress(pageAddress: string): URL {
  const address = new URL('/api/v1/live', pageAddress)
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
  return address
}
