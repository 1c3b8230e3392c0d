import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spawnWarehouse, type SpawnedWarehouse } from './spawn-warehouse.ts'

let folder: string
let spawned: SpawnedWarehouse
const ask = (path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${spawned.port}${path}`, {
    ...init,
    headers: { 'x-helio-token': spawned.token, ...init.headers },
  })
const query = (sql: string, parameters = ''): Promise<Response> => ask(`/?${parameters}`, { method: 'POST', body: sql })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heliograph-server-test-'))
  spawned = await spawnWarehouse(folder)
})
afterAll(async () => {
  await spawned.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('the interface of the embedded engine', () => {
  it('lets nobody in without the token', async () => {
    for (const token of ['', 'x', spawned.token.slice(1), `${spawned.token}x`])
      expect((await ask('/ping', { headers: { 'x-helio-token': token } })).status).toBe(403)
    expect(await (await ask('/ping')).text()).toBe('Ok.\n')
  })
  it('answers as a ClickHouse server does', async () => {
    const answer = await query('SELECT 1 AS a, 2 AS b', 'default_format=JSONEachRow&query_id=q-1')
    expect([answer.status, answer.headers.get('x-clickhouse-query-id'), await answer.text()]).toEqual([
      200,
      'q-1',
      '{"a":1,"b":2}\n',
    ])
    expect(JSON.parse(answer.headers.get('x-clickhouse-summary')!)).toHaveProperty('read_rows')
    expect(await (await ask(`/?query=${encodeURIComponent('SELECT 3')}`)).text()).toBe('3\n')
    const failed = await query('SELECT nothing')
    expect([failed.status, failed.headers.get('x-clickhouse-exception-code')]).toEqual([400, '47'])
    expect(await failed.text()).toMatch(/^Code: 47\. DB::Exception: .*UNKNOWN_IDENTIFIER/s)
  })
  it('takes inserts in text and in blocks, the data after the query', async () => {
    await query('CREATE TABLE t (a UInt8, b String) ENGINE = MergeTree ORDER BY a')
    const into = (format: string, body: NonNullable<RequestInit['body']>) =>
      ask(`/?query=${encodeURIComponent(`INSERT INTO t FORMAT ${format}`)}&async_insert=0`, { method: 'POST', body })
    expect((await into('JSONEachRow', '{"a":1,"b":"x\\n\\ny"}\n\n{"a":2,"b":""}\n')).status).toBe(200)
    // RowBinary with a blank line within.
    expect((await into('RowBinary', Uint8Array.of(3, 3, 10, 10, 65, 4, 0))).status).toBe(200)
    expect((await into('JSONEachRow', '')).status).toBe(200)
    expect((await into('JSONEachRow', '{"a":"no number"}')).status).toBe(400)
    expect(await (await query('SELECT a, length(b) FROM t ORDER BY a')).text()).toBe('1\t4\n2\t0\n3\t3\n4\t0\n')
  })
  it('leaves no setting behind for the next query', async () => {
    const limit = 'max_result_rows=1&result_overflow_mode=throw'
    expect((await query('SELECT number FROM numbers(5)', limit)).status).toBe(400)
    // Every session of the lane, whichever had it.
    for (let round = 0; round < 6; round++)
      expect(await (await query('SELECT count() FROM (SELECT * FROM numbers(5))')).text()).toBe('5\n')
    expect((await query('SELECT number FROM numbers(5)')).status).toBe(200)
    expect((await query('SELECT 1', 'no_such_setting=1')).status).toBeGreaterThanOrEqual(400)
    expect((await query('SELECT 1', 'a%20b=1')).status).toBe(400)
    expect((await query('SELECT 1')).status).toBe(200)
  })
  it('refuses several statements, bound parameters and bodies beyond the limit', async () => {
    expect(await (await query('SELECT 1; DROP TABLE t')).text()).toContain('Multi-statements')
    expect((await query('SELECT {a:UInt8}', 'param_a=1')).status).toBe(400)
    expect(await (await query('SELECT count() > 0 FROM t')).text()).toBe('1\n')
  })
  it('does not let a second process on its data', async () => {
    await expect(spawnWarehouse(folder)).rejects.toThrow(/ended while it started/)
    expect((await query('SELECT 1')).status).toBe(200)
  })
  it('ends by itself, with what was running written, when it is told to', async () => {
    const insert = query(
      `INSERT INTO t SELECT number % 200, toString(sleepEachRow(0.001)) FROM numbers(500) SETTINGS max_block_size = 100`,
    )
    await sleep(200)
    await spawned.stop()
    expect(spawned.child.exitCode).toBe(0)
    expect((await insert).status).toBe(200)
    spawned = await spawnWarehouse(folder)
    expect(await (await query('SELECT count() FROM t')).text()).toBe('504\n')
  })
  it('ends by itself when its parent is gone', async () => {
    const { child } = spawned
    const ended = once(child, 'exit')
    child.disconnect()
    await ended
    spawned = await spawnWarehouse(folder)
    expect(await (await query('SELECT count() FROM t')).text()).toBe('504\n')
  })
})
