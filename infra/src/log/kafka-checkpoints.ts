/**
 * Checkpoints in a compacted topic of one partition: the newest of each group and partition under its name, and a few per day under
 * its name and offset. Memory holds where they lie; the states are read when they are asked for.
 */
import type { CheckpointStore, LogProducer } from '@heliograph/crm-core/contracts'
import type { KafkaReader } from './kafka-reader.ts'

/** A checkpoint is kept as history when the kept one before it is older than this: replays begin at one of them. */
const HISTORY_STEP_MS = 6 * 3_600_000
const HISTORY_KEPT = 31 * 4
const PARTITION = 0
const OFFSET_BYTES = 8

interface Kept {
  /** Offset of the consumer that the state belongs to. */
  offset: number
  /** Where the record lies in the topic. */
  at: number
  keptAt: number
}

export function createKafkaCheckpoints(
  topic: string,
  reader: KafkaReader,
  producer: () => LogProducer,
): CheckpointStore {
  const latest = new Map<string, number>()
  /** By group and partition, in the order of their offsets. */
  const history = new Map<string, Kept[]>()
  let seen = 0
  let catchingUp: Promise<void> | undefined

  function note(name: string, at: number, timestamp: number, removed: boolean): void {
    const split = name.indexOf('@')
    if (split === -1) {
      latest.set(name, at)
      return
    }
    const group = name.slice(0, split)
    const offset = Number(name.slice(split + 1))
    const others = (history.get(group) ?? []).filter((kept) => kept.offset !== offset)
    if (!removed) others.push({ offset, at, keptAt: timestamp })
    history.set(
      group,
      others.sort((a, b) => a.offset - b.offset),
    )
  }
  /** Reads what was written since: by this process at its last run, or by another one now. */
  function catchUp(): Promise<void> {
    catchingUp ??= (async () => {
      const [first, next] = await Promise.all([reader.offsets(topic, 'first'), reader.offsets(topic, 'next')])
      seen = Math.max(seen, first.get(PARTITION) ?? 0)
      const end = next.get(PARTITION) ?? 0
      while (seen < end) {
        const records = await reader.fetch(topic, PARTITION, seen)
        // What lay here was compacted away, up to the end.
        if (records.length === 0) break
        for (const { key, value, offset, timestamp } of records)
          if (key) note(key.toString(), Number(offset), Number(timestamp), !value?.length)
        seen = Number(records.at(-1)!.offset) + 1
      }
    })().finally(() => (catchingUp = undefined))
    return catchingUp
  }
  async function write(name: string, value: Buffer): Promise<void> {
    const { offset } = await producer().append([{ key: name, value }])
    note(name, offset, Date.now(), value.length === 0)
    if (offset === seen) seen = offset + 1
  }
  async function stateAt(at: number): Promise<{ offset: number; state: Uint8Array } | undefined> {
    const [record] = await reader.fetch(topic, PARTITION, at)
    if (!record?.value?.length || Number(record.offset) !== at) return undefined
    return { offset: record.value.readDoubleBE(0), state: record.value.subarray(OFFSET_BYTES) }
  }
  /** Compaction may take a record away between looking for it and reading it: a newer one has come then. */
  async function find(position: () => number | undefined): Promise<{ offset: number; state: Uint8Array } | undefined> {
    for (;;) {
      await catchUp()
      const at = position()
      const found = at === undefined ? undefined : await stateAt(at)
      if (found || at === undefined) return found
      const before = at
      await catchUp()
      if (position() === before) return undefined
    }
  }

  return {
    load: (group, partition) => find(() => latest.get(`${group}/${partition}`)),
    async save(group, partition, offset, state) {
      const name = `${group}/${partition}`
      const value = Buffer.alloc(OFFSET_BYTES + state.length)
      value.writeDoubleBE(offset)
      value.set(state, OFFSET_BYTES)
      if (seen === 0) await catchUp()
      await write(name, value)
      const kept = history.get(name) ?? []
      if (Date.now() - (kept.at(-1)?.keptAt ?? 0) < HISTORY_STEP_MS) return
      await write(`${name}@${offset}`, value)
      for (const old of (history.get(name) ?? []).slice(0, -HISTORY_KEPT))
        await write(`${name}@${old.offset}`, Buffer.alloc(0))
    },
    before: (group, partition, offset) =>
      find(() => (history.get(`${group}/${partition}`) ?? []).findLast((kept) => kept.offset <= offset)?.at),
  }
}
