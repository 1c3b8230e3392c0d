/**
 * The live bus inside one process: newest value per key, and a bounded history of which keys changed, so that a viewer
 * who was away for a moment gets what it missed.
 */
import { randomUUID } from 'node:crypto'
import type { LiveBus, LiveValue } from '@heliograph/crm-core/contracts'

/** Changes kept for cursors; whoever was away longer gets a snapshot. */
const HISTORY = 100_000
/** Keys kept; beyond, the one that changed longest ago goes. */
const MAX_KEYS = 500_000

export interface MemoryLive extends LiveBus {
  /** Every value of every tenant. */
  all(): LiveValue[]
}

export function createMemoryLive(options: { onListenerError?(error: unknown): void } = {}): MemoryLive {
  const epoch = randomUUID().slice(0, 8)
  const values = new Map<string, LiveValue & { sequence: number }>()
  const byTenant = new Map<string, Map<string, LiveValue>>()
  const listeners = new Set<(values: LiveValue[]) => void>()
  /** Key of each change; `changes[i]` is change number `firstChange + i`. */
  let changes: string[] = []
  let firstChange = 1
  let sequence = 0

  function keep(value: LiveValue): boolean {
    const known = values.get(value.key)
    if (known && known.ts > value.ts) return false
    sequence++
    // Deleted first: the map stays in the order of change.
    if (known) {
      values.delete(value.key)
      if (known.tenantId !== value.tenantId) byTenant.get(known.tenantId)?.delete(value.key)
    }
    values.set(value.key, { ...value, sequence })
    let tenant = byTenant.get(value.tenantId)
    if (!tenant) byTenant.set(value.tenantId, (tenant = new Map()))
    tenant.set(value.key, value)
    changes.push(value.key)
    if (values.size > MAX_KEYS) drop(values.keys().next().value!)
    return true
  }
  function drop(key: string): void {
    const known = values.get(key)
    values.delete(key)
    if (known) byTenant.get(known.tenantId)?.delete(key)
  }

  return {
    async start() {},
    async stop() {
      listeners.clear()
    },
    publish(published) {
      const taken = published.filter(keep)
      if (changes.length > HISTORY * 2) {
        firstChange += changes.length - HISTORY
        changes = changes.slice(-HISTORY)
      }
      if (taken.length === 0) return
      for (const listener of listeners) {
        try {
          listener(taken)
        } catch (error) {
          options.onListenerError?.(error)
        }
      }
    },
    get: (key) => values.get(key),
    all: () => [...byTenant.values()].flatMap((tenant) => [...tenant.values()]),
    list(tenantId, prefix) {
      const found: LiveValue[] = []
      for (const [key, value] of byTenant.get(tenantId) ?? []) if (key.startsWith(prefix)) found.push(value)
      return found
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    since(cursor, tenantId) {
      const [cursorEpoch, position] = cursor.split('.')
      const after = Number(position)
      if (cursorEpoch !== epoch || !Number.isSafeInteger(after) || after > sequence || after + 1 < firstChange)
        return undefined
      const missed = new Map<string, LiveValue>()
      for (const key of changes.slice(after + 1 - firstChange)) {
        const value = values.get(key)
        if (value?.tenantId === tenantId) missed.set(key, value)
      }
      return [...missed.values()]
    },
    cursor: () => `${epoch}.${sequence}`,
  }
}
