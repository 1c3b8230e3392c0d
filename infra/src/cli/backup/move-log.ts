/** What of a backup's log another log needs: the anchors of audit trails. Messages stay behind, all of them decoded and stored. */
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Log, TOPICS } from '@heliograph/crm-core/contracts'
import { createLmdbLog } from '../../log/lmdb.ts'
import { CliError } from '../cli-error.ts'

/**
 * @param folder of the backup's log
 * @param target started
 * @throws CliError where it holds messages already
 */
export async function moveLog(folder: string, target: Log): Promise<void> {
  const held = await target.bounds(TOPICS.raw)
  if (held.some(({ next }) => next > 0))
    throw new CliError('HELIO_LOG_URL: the log holds messages already; restore into one of its own (another prefix)')
  const anchors = join(folder, TOPICS.anchors)
  if (!existsSync(anchors)) return
  // Opening an environment writes to it, and a backup stays as it was written.
  const dir = await mkdtemp(join(tmpdir(), 'heliograph-anchors-'))
  try {
    await cp(anchors, join(dir, TOPICS.anchors), { recursive: true })
    const source = createLmdbLog({ dir })
    await source.start()
    try {
      const producer = target.producer(TOPICS.anchors)
      for (const { partition, first, next } of await source.bounds(TOPICS.anchors))
        for await (const records of source.read({ topic: TOPICS.anchors, partition, from: first, to: next }))
          await producer.append(records.map(({ key, value }) => ({ key, value })))
    } finally {
      await source.stop()
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
