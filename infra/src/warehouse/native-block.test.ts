import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSession, openSpool, type ChdbSession } from './chdb-session.ts'
import { encodeNativeBlock, RowError, type ColumnType } from './native-block.ts'

const columns: ColumnType[] = [
  { name: 'key', type: 'UInt32' },
  { name: 'text', type: 'String' },
  { name: 'word', type: 'LowCardinality(String)' },
  { name: 'words', type: 'Array(LowCardinality(String))' },
  { name: 'value', type: 'Nullable(Float64)' },
  { name: 'plain', type: 'Float64' },
  { name: 'values', type: 'Array(Nullable(Float64))' },
  { name: 'big', type: 'UInt64' },
  { name: 'small', type: 'UInt8' },
  { name: 'middle', type: 'UInt16' },
  { name: 'at', type: "DateTime64(3, 'UTC')" },
  { name: 'second', type: "DateTime('UTC')" },
  { name: 'day', type: 'Date' },
]
const SELECT = `SELECT key, text, word, words, value, plain, values, toString(big) AS big, small, middle, toUnixTimestamp64Milli(at) AS at,
  toUnixTimestamp(second) * 1000 AS second, toString(day) AS day FROM t ORDER BY key FORMAT JSONEachRow`

describe('blocks written here', () => {
  let folder: string
  let session: ChdbSession
  let spool: string
  const run = async (sql: string, data?: Buffer): Promise<string> => {
    const result = await session.run({ sql, settings: new Map(), ...(data ? { data } : {}) })
    return Buffer.from(result.bytes).toString()
  }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'heliograph-block-test-'))
    spool = openSpool(folder)
    session = openSession(folder, spool)
    await run(
      `CREATE TABLE t (${columns.map(({ name, type }) => `${name} ${type}`).join(', ')}) ENGINE = MergeTree ORDER BY key`,
    )
  })
  afterAll(async () => {
    session.close()
    await rm(folder, { recursive: true, force: true })
    await rm(spool, { recursive: true, force: true })
  })
  async function roundTrip(rows: object[]): Promise<Record<string, unknown>[]> {
    await run('TRUNCATE TABLE t')
    const block = encodeNativeBlock(rows as Record<string, unknown>[], columns)
    await run(`INSERT INTO t (${block.columns.join(', ')}) FORMAT Native`, block.bytes)
    return (await run(SELECT))
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  it('are read by the engine as they were meant, whatever is in them', async () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value))
    // Blank lines, quotes and NUL bytes above all: the engine takes a blank line for the end of data that is given inline.
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('', '\n\n', "it's", '\u0000\n\n;', 'x'.repeat(300)),
    )
    const row = fc.record(
      {
        text,
        word: fc.oneof(fc.constantFrom('native', 'fronius', '\n\n', ''), text),
        words: fc.array(fc.constantFrom('stale', 'spike', ''), { maxLength: 3 }),
        value: fc.option(finite),
        plain: finite,
        values: fc.array(fc.option(finite), { maxLength: 4 }),
        big: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        small: fc.integer({ min: 0, max: 255 }),
        middle: fc.integer({ min: 0, max: 65_535 }),
        at: fc.integer({ min: Date.UTC(1901, 0), max: Date.UTC(2290, 0) }),
        second: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
        day: fc.integer({ min: 0, max: 40_000 }).map((days) => new Date(days * 86_400_000).toISOString().slice(0, 10)),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), async (rows) => {
        const keyed = rows.map((values, key) => ({ key, ...values }))
        const absent = {
          text: '',
          word: '',
          words: [],
          value: null,
          plain: 0,
          values: [],
          big: 0,
          small: 0,
          middle: 0,
          at: 0,
          second: 0,
          day: '1970-01-01',
        }
        const expected = keyed.map((values) => {
          const full = { ...absent, ...values }
          return { ...full, big: String(full.big) }
        })
        expect(await roundTrip(keyed)).toEqual(expected)
      }),
      { numRuns: 40 },
    )
  }, 60_000)
  it.each([1, 255, 256, 257, 70_000])('hold dictionaries of %d words', async (count) => {
    const rows = Array.from({ length: count + 10 }, (_, key) => ({ key, word: `word ${key % count}` }))
    await roundTrip(rows)
    const wrong = await run(
      `SELECT countIf(word != concat('word ', toString(key % ${count}))) AS wrong, uniqExact(word) AS words, count() AS n FROM t FORMAT JSONEachRow`,
    )
    expect(JSON.parse(wrong)).toEqual({ wrong: 0, words: count, n: count + 10 })
  })
  it('refuse what is not of its column', () => {
    const refused = (row: object) =>
      expect(() => encodeNativeBlock([row as Record<string, unknown>], columns)).toThrow(RowError)
    for (const row of [
      { key: -1 },
      { key: 1.5 },
      { key: 2 ** 32 },
      { small: 256 },
      { big: 2 ** 60 },
      { value: '1' },
      { text: 5 },
      { values: 3 },
      { at: 'later' },
      { other: 1 },
      { day: Number.NaN },
    ])
      refused(row)
  })
})
