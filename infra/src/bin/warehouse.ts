/**
 * The embedded warehouse in a process of its own, so that an abort inside the engine takes nothing else down. Its parent
 * gives the settings (JSON) as `HELIOGRAPH_CHILD_WAREHOUSE` or as the argument, and hears `{ type: 'ready', port }`.
 */
import { mkdirSync } from 'node:fs'
import { setPriority } from 'node:os'
import { z } from 'zod'
import { runChild } from '../process/child.ts'
import { lockPart } from '../process/lock.ts'

// Before anything touches libuv's pool, which every statement of the engine occupies one thread of.
process.env['UV_THREADPOOL_SIZE'] ??= '16'

/**
 * Where every core is taken, what a person watches goes before what is written down: an insert may wait, and the log holds what it
 * waits with. A third of the weight of others, so that it never stands still; set before the engine is loaded, whose threads inherit it.
 */
const NICENESS = 5

const settingsSchema = z.strictObject({
  dataDir: z.string().min(1),
  token: z.string().min(16),
  port: z.int().min(0).max(65_535).optional(),
  maxWaiting: z.int().min(1).optional(),
})

await runChild(async () => {
  const text = process.argv[2] ?? process.env['HELIOGRAPH_CHILD_WAREHOUSE']
  if (!text) throw new Error('warehouse: no settings given (argument or HELIOGRAPH_CHILD_WAREHOUSE)')
  const settings = settingsSchema.parse(JSON.parse(text))
  mkdirSync(settings.dataDir, { recursive: true })
  lockPart(settings.dataDir, 'warehouse')
  setPriority(NICENESS)
  const { createChdbServer } = await import('../warehouse/chdb-server.ts')
  const server = createChdbServer(settings)
  const address = await server.start()
  if (!process.send) console.log(JSON.stringify({ type: 'ready', ...address }))
  return { ready: address, stop: () => server.stop() }
})
