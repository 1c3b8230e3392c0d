/** Saved offsets and checkpoints of consumers, in an environment of their own that every process may write. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { CheckpointStore } from '@heliograph/crm-core/contracts'

/** A checkpoint is kept as history when the kept one before it is older than this: replays begin at one of them. */
const HISTORY_STEP_MS = 6 * 3_600_000
const HISTORY_KEPT = 31 * 4

export function openGroups(dir: string) {
  mkdirSync(dir, { recursive: true })
  const root = open<Buffer, string>({ path: join(dir, 'groups.mdb'), encoding: 'binary', noMemInit: true, maxDbs: 4 })
  const offsets = root.openDB<number, string>({ name: 'offsets', encoding: 'json' })
  const latest = root.openDB<Buffer, string>({ name: 'checkpoints', encoding: 'binary' })
  const history = root.openDB<Buffer, [string, number]>({ name: 'history', encoding: 'binary' })
  const offsetKey = (topic: string, group: string, partition: number) => `${topic}/${group}/${partition}`
  const keptAt = new Map<string, number>()

  const checkpoints: CheckpointStore = {
    async load(group, partition) {
      latest.resetReadTxn()
      const found = latest.get(`${group}/${partition}`)
      return found && unpack(found)
    },
    async save(group, partition, offset, state) {
      const key = `${group}/${partition}`
      const value = pack(offset, state)
      const saved = latest.put(key, value)
      const now = Date.now()
      if (now - (keptAt.get(key) ?? newestKept(key)) >= HISTORY_STEP_MS) {
        keptAt.set(key, now)
        await history.put([key, offset], Buffer.concat([value, stamp(now)]))
        const kept = [...history.getKeys({ start: [key, 0], end: [key, Infinity] })]
        for (const old of kept.slice(0, -HISTORY_KEPT)) await history.remove(old)
      }
      await saved
    },
    async before(group, partition, offset) {
      const key = `${group}/${partition}`
      history.resetReadTxn()
      for (const { value } of history.getRange({ start: [key, offset], end: [key, -1], reverse: true, limit: 1 }))
        return unpack(value.subarray(0, -8))
      return undefined
    },
  }
  function newestKept(key: string): number {
    for (const { value } of history.getRange({ start: [key, Infinity], end: [key, -1], reverse: true, limit: 1 }))
      return value.readDoubleBE(value.length - 8)
    return 0
  }

  return {
    checkpoints,
    offset(topic: string, group: string, partition: number): number | undefined {
      offsets.resetReadTxn()
      return offsets.get(offsetKey(topic, group, partition))
    },
    async saveOffset(topic: string, group: string, partition: number, offset: number): Promise<void> {
      await offsets.put(offsetKey(topic, group, partition), offset)
    },
    close: () => root.close(),
  }
}

function pack(offset: number, state: Uint8Array): Buffer {
  return Buffer.concat([stamp(offset), state])
}
function unpack(value: Buffer): { offset: number; state: Uint8Array } {
  return { offset: value.readDoubleBE(0), state: value.subarray(8) }
}
function stamp(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes
}
