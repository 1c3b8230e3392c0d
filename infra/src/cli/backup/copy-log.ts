/** Copies of the embedded log while it is being written: each environment as of one instant, without its free pages. */
import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { open } from 'lmdb'

async function copyEnvironment(source: string, target: string): Promise<void> {
  const root = open({ path: source, readOnly: true, encoding: 'binary' })
  try {
    await root.backup(target, true)
  } finally {
    await root.close()
  }
}

/** Saved offsets and checkpoints of all consumers. */
export async function copyOffsets(logDir: string, target: string): Promise<void> {
  const source = join(logDir, '_groups/groups.mdb')
  if (!existsSync(source)) return
  await mkdir(join(target, '_groups'), { recursive: true })
  await copyEnvironment(source, join(target, '_groups/groups.mdb'))
}

/** Every partition of a topic. */
export async function copyTopic(logDir: string, topic: string, target: string): Promise<void> {
  const folder = join(logDir, topic)
  for (const lane of existsSync(folder) ? await readdir(folder) : []) {
    const source = join(folder, lane, 'log.mdb')
    if (!/^\d+$/.test(lane) || !existsSync(source)) continue
    await mkdir(join(target, topic, lane), { recursive: true })
    await copyEnvironment(source, join(target, topic, lane, 'log.mdb'))
  }
}
