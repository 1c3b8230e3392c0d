import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { plainBody } from './body.ts'
import { countItems } from './container.ts'

const LIMIT = 1024 * 1024
const count = (text: string | Uint8Array, type?: string) =>
  countItems(typeof text === 'string' ? Buffer.from(text) : text, type)

describe('unpacking', () => {
  test('what is not packed goes through untouched', async () => {
    const body = Buffer.from('{"a":1}')
    expect(await plainBody(body, undefined, LIMIT)).toBe(body)
    expect(await plainBody(body, 'identity', LIMIT)).toBe(body)
  })
  test('gzip is unpacked', async () => {
    expect(Buffer.from(await plainBody(gzipSync('hello'), 'gzip', LIMIT)).toString()).toBe('hello')
  })
  test('a bomb is refused before it unfolds', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * LIMIT))
    expect(bomb.length).toBeLessThan(LIMIT)
    const before = process.memoryUsage().rss
    await expect(plainBody(bomb, 'gzip', LIMIT)).rejects.toMatchObject({ code: 'too_large' })
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * LIMIT)
  })
  test.each([
    ['text', Buffer.from('not gzip at all, not at all')],
    ['nothing', Buffer.alloc(0)],
    ['a torn stream', gzipSync('x'.repeat(1000)).subarray(0, 20)],
    ['a flipped byte', Buffer.from(gzipSync('x'.repeat(1000)).map((byte, at) => (at === 14 ? byte ^ 0xff : byte)))],
  ])('%s under the name of gzip is malformed', async (_name, body) => {
    await expect(plainBody(body, 'gzip', LIMIT)).rejects.toMatchObject({ code: 'malformed_body' })
  })
  test.each(['br', 'deflate', 'gzip, gzip'])('%s is not taken', async (encoding) => {
    await expect(plainBody(gzipSync('x'), encoding, LIMIT)).rejects.toMatchObject({ code: 'unsupported_media_type' })
  })
})

describe('counting items', () => {
  test.each([
    ['{"device":"a"}', undefined, 1],
    ['[{"device":"a"},{"device":"b"}]', 'application/json', 2],
    ['[]', undefined, 0],
    ['[1,null,"bad"]', undefined, 3],
    ['{"a":1}\n{"b":2}\n', 'application/x-ndjson', 2],
    ['{"a":1}\n{"b":2}\n\n{"c":3}', 'application/json', 3],
    ['{"a":1}\nnot json\n{"b":2}', 'application/x-ndjson', 3],
    ['{"a":1}', 'application/x-ndjson', 1],
    ['\n', 'application/x-ndjson', 0],
    ['\uFEFF{"a":1}', undefined, 1],
    ['{"__proto__":{"x":1}}', undefined, 1],
  ])('%j as %s', (text, type, items) => {
    expect(count(text, type)).toBe(items)
  })
  test.each([
    ['nothing', ''],
    ['a number', '5'],
    ['a text', '"x"'],
    ['null', 'null'],
    ['NaN', 'NaN'],
    ['half an object', '{"a":'],
    ['NUL bytes after it', '{"a":1}\0\0'],
    ['two lines of nonsense', 'x\ny'],
    ['bad UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ])('%s is no container', (_name, body) => {
    expect(() => count(body)).toThrow(expect.objectContaining({ code: 'malformed_body' }))
  })
  test('depth costs nothing', () => {
    expect(count(`${'['.repeat(10_000)}${']'.repeat(10_000)}`)).toBe(1)
  })
})
