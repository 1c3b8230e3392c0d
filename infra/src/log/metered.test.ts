import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterAll, describe, expect, it } from 'vitest'
import { type Log, TOPICS } from '@heliograph/crm-core/contracts'
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

  it('name a reader by its role, though its group has a name of its own, and tell how members share the partitions', async () => {
    const registry = new Registry()
    const share = { partitions: 4, rebalances: 0 }
    const under = {
      consume: () => ({ lag: () => Promise.resolve(5), share: () => ({ ...share }), stop: () => Promise.resolve() }),
    } as unknown as Log
    const log = meterLog(under, registry)
    const begin = () =>
      log.consume({ topic: TOPICS.events, group: `edge-${randomUUID()}`, handle: () => Promise.resolve() })
    const first = begin()
    share.rebalances = 2
    let figures = await registry.metrics()
    expect(figures).toContain('helio_log_lag_records{topic="events",group="edge"} 5')
    expect(figures).toContain('helio_log_partitions{topic="events",group="edge"} 4')
    expect(figures).toContain('helio_log_rebalances_total{topic="events",group="edge"} 2')
    // A counter never falls: what an ended reader saw stays counted.
    share.rebalances = 3
    await first.stop()
    share.rebalances = 1
    begin()
    figures = await registry.metrics()
    expect(figures).toContain('helio_log_rebalances_total{topic="events",group="edge"} 4')
    expect(figures.match(/^helio_log_lag_records\{/gm)).toHaveLength(1)
  })
})
