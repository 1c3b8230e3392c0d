/** Waits until everything that had come in when it was asked is decoded, stored and rolled up. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Log, type LogPosition, type Topic, TOPICS } from '@heliograph/crm-core/contracts'
import type { Rollups, StoreStage } from '@heliograph/stream'
import type { DecodeRole } from './decode.ts'

const LOOK_EVERY_MS = 50

export async function settle(line: {
  log: Log
  decode: DecodeRole
  store: StoreStage
  rollups: Rollups
}): Promise<void> {
  const { log, decode, store, rollups } = line
  const endsOf = async (topic: Topic): Promise<LogPosition[]> =>
    (await log.bounds(topic)).map(({ partition, next }) => ({ partition, offset: next }))
  const raw = await endsOf(TOPICS.raw)
  while (!decode.reached(raw)) await sleep(LOOK_EVERY_MS)
  for (const topic of [TOPICS.readings, TOPICS.replayed]) {
    const ends = await endsOf(topic)
    while (!(await store.reached(topic, ends))) await sleep(LOOK_EVERY_MS)
  }
  await rollups.flush({ all: true })
}
