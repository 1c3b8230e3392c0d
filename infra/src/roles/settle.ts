/** Waits until everything that had come in when it was asked is decoded, stored and rolled up. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Log, TOPICS } from '@heliograph/crm-core/contracts'
import type { Rollups, StoreStage } from '@heliograph/stream'
import type { DecodeRole } from './decode.ts'
import { endsOf } from './log-progress.ts'

const LOOK_EVERY_MS = 50

export async function settle(line: {
  log: Log
  decode: DecodeRole
  store: StoreStage
  rollups: Rollups
}): Promise<void> {
  const { log, decode, store, rollups } = line
  const raw = await endsOf(log, TOPICS.raw)
  while (!(await decode.reached(raw))) await sleep(LOOK_EVERY_MS)
  const readings = await endsOf(log, TOPICS.readings)
  while (!(await store.reached(readings))) await sleep(LOOK_EVERY_MS)
  // What replays have stored so far is told to the roll-ups before they are written.
  await decode.replaysTold()
  await rollups.flush({ all: true })
}
