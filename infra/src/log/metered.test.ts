import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterAll, describe, expect, it } from 'vitest'
import { TOPICS } from '@heliograph/crm-core/contracts'
import { createLmdbLog } from './lmdb.ts'
import { meterLog } from './metered.ts'

describe('the figures of a log', () => {
  const dir = mkdtempSync(join(tmpdir(), 'heliograph-metered-'))
  afterAll(() => rmSync(dir, { recursive: true }))

  it('tell how long appends take and how far each group is behind, and nothing of a reader that has ended', async () => {
    const registry = new Registry()
    const log = meterLog(createLmdbLog({ dir }), registry)
    await log.start()
    const record = { key: 'a', value: new Uint8Array([1]) }
    await log.producer(TOPICS.raw).append([record, record, record])
    const held = Promise.withResolvers<void>()
    const reader = log.consume({ topic: TOPICS.raw, group: 'slow', handle: () => held.promise })
    await new Promise((resolve) => setTimeout(resolve, 300))
    const figures = await registry.metrics()
    expect(figures).toContain('helio_log_append_seconds_count{topic="raw"} 1')
    expect(figures).toContain('helio_log_lag_records{topic="raw",group="slow"} 3')
    expect(await log.checkpoints.load('slow', 0)).toBeUndefined()
    held.resolve()
    await reader.stop()
    expect(await registry.metrics()).not.toContain('group="slow"')
    await log.stop()
  })
})
