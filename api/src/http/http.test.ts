import { describe, expect, test } from 'vitest'
import { createCursorCodec } from './cursor.ts'
import { csvLine, wantsCsv } from './csv.ts'
import { createShortMemory } from './short-memory.ts'
import { instantOf, spanOf, timeQuerySchema } from './time.ts'

describe('cursors', () => {
  const codec = createCursorCodec('a secret')
  test('come back as they went', () => {
    const position = ['Straße', 5, null, { a: 1 }]
    expect(codec.open('sites', codec.seal('sites', position))).toEqual(position)
  })
  const sealed = codec.seal('sites', { id: 'x' })
  test.each([
    ['of another list', () => codec.open('devices', sealed)],
    ['of another server', () => createCursorCodec('another').open('sites', sealed)],
    ['changed', () => codec.open('sites', `${sealed.slice(0, -2)}AA`)],
    [
      'with another position',
      () => codec.open('sites', `${Buffer.from('{"id":"y"}').toString('base64url')}.${sealed.split('.')[1]}`),
    ],
    ['with a tail', () => codec.open('sites', `${sealed}.x`)],
    ['empty', () => codec.open('sites', '')],
    ['nonsense', () => codec.open('sites', 'a.b')],
  ])('%s are refused', (_name, open) => {
    expect(open).toThrow(expect.objectContaining({ code: 'invalid_cursor' }))
  })
})

describe('CSV', () => {
  test('quotes what must be quoted and leaves absent cells empty', () => {
    expect(csvLine(['a,b', 'say "x"', 'two\nlines', null, undefined, 0, -1.5, true])).toBe(
      '"a,b","say ""x""","two\nlines",,,0,-1.5,true\r\n',
    )
  })
  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx'])('%j is text to a spreadsheet', (text) => {
    expect(csvLine([text]).replace(/^"/, '')[0]).toBe("'")
  })
  test.each([
    ['text/csv', true],
    ['text/csv, application/json;q=0.5', true],
    ['application/json, text/csv', false],
    ['*/*', false],
    [undefined, false],
  ])('Accept: %s', (accept, csv) => {
    expect(wantsCsv(accept)).toBe(csv)
  })
})

describe('times', () => {
  const at = (text: string, zone = 'Europe/Berlin') => instantOf(timeQuerySchema.parse(text), zone)
  test('three spellings', () => {
    expect(at('1760000000000')).toBe(1_760_000_000_000)
    expect(at('2026-03-29T02:30:00+02:00')).toBe(Date.parse('2026-03-29T00:30:00Z'))
    // A plus sign that nobody escaped.
    expect(at('2026-03-29T02:30:00 02:00')).toBe(Date.parse('2026-03-29T00:30:00Z'))
    expect(at('2026-03-29')).toBe(Date.parse('2026-03-28T23:00:00Z'))
    expect(at('2026-03-30')).toBe(Date.parse('2026-03-29T22:00:00Z'))
    expect(at('-1')).toBe(-1)
  })
  test.each(['', 'now', '2026-02-30', '2026-03-29T25:00:00Z', '1e12', '99999999999999999', '2026-3-1'])(
    '%j is none',
    (text) => {
      expect(timeQuerySchema.safeParse(text).success).toBe(false)
    },
  )
  test('windows have an order and an end', () => {
    const rules = { now: 1_000_000, defaultMs: 1_000, maxMs: 500_000 }
    expect(spanOf({}, 'UTC', rules)).toEqual({ from: 999_000, to: 1_000_000 })
    expect(() => spanOf({ from: { at: 5 }, to: { at: 5 } }, 'UTC', rules)).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    )
    expect(() => spanOf({ from: { at: 0 } }, 'UTC', rules)).toThrow(
      expect.objectContaining({ code: 'invalid_request' }),
    )
  })
})

describe('the short memory', () => {
  test('asks once a while, shares what is on its way, and forgets failures', async () => {
    let now = 0
    let asked = 0
    const memory = createShortMemory<number>(() => now, 1_000)
    const load = () => Promise.resolve(++asked)
    expect(await Promise.all([memory('a', load), memory('a', load)])).toEqual([1, 1])
    now = 999
    expect(await memory('a', load)).toBe(1)
    now = 1_000
    expect(await memory('a', load)).toBe(2)
    await expect(memory('b', () => Promise.reject(new Error('down')))).rejects.toThrow('down')
    expect(await memory('b', load)).toBe(3)
  })
})
