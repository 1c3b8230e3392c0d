import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allOf, day, id, identifier, instant, join, list, second, sql, SqlValueError } from './sql.ts'

/** Reads a text the way the engine does and says what stands outside of its string literals. */
function outsideOfLiterals(text: string): string {
  let outside = ''
  for (let index = 0; index < text.length; index++) {
    if (text[index] !== "'") {
      outside += text[index]
      continue
    }
    outside += '?'
    for (index += 1; text[index] !== "'" || text[index + 1] === "'"; index++) {
      if (index >= text.length) throw new Error('literal without end')
      if (text[index] === '\\' || text[index] === "'") index += 1
    }
  }
  return outside
}

describe('sql', () => {
  it('keeps any text inside its literal', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
      fc
        .array(
          fc.constantFrom("'", '\\', '\0', '\n', '--', '/*', '*/', ';', '`', '"', "''", "\\'", ' OR 1=1', '{a:String}'),
          { maxLength: 12 },
        )
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(nasty, nasty, (first, second_) => {
        fc.pre(first.isWellFormed() && second_.isWellFormed())
        const { text } = sql`SELECT ${first} AS a, ${list([second_, first])} AS b WHERE x = ${second_}`
        expect(outsideOfLiterals(text)).toBe('SELECT ? AS a, (?, ?) AS b WHERE x = ?')
      }),
      { numRuns: 2000 },
    )
  })
  it('writes numbers that mean themselves', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const { text } = sql`${value}`
        expect(Number(text.replace(/[()]/g, '')) === value).toBe(true)
        expect(text).toMatch(/^(\(-[\d.e+-]+\)|\(0\)|[\d.e+-]+)$/)
      }),
    )
  })
  it('refuses what is not of its kind', () => {
    const smuggled = { text: '1; DROP TABLE readings' }
    expect(() => sql`${smuggled}`).toThrow(SqlValueError)
    expect(() => join([smuggled])).toThrow(SqlValueError)
    expect(() => allOf([smuggled])).toThrow(SqlValueError)
    expect(() => sql`${Number.NaN}`).toThrow(SqlValueError)
    expect(() => sql`${'\ud800'}`).toThrow(SqlValueError)
    expect(() => sql`${undefined as unknown as string}`).toThrow(SqlValueError)
    expect(() => id("a'b")).toThrow(SqlValueError)
    expect(() => identifier('a b')).toThrow(SqlValueError)
    expect(() => identifier('1a')).toThrow(SqlValueError)
    expect(() => day("2026-01-01' OR 1")).toThrow(SqlValueError)
    expect(() => instant(Number.POSITIVE_INFINITY)).toThrow(SqlValueError)
  })
  it('joins fragments', () => {
    const where = allOf([sql`a = ${1}`, undefined, sql`b IN ${list(['x'])}`])
    expect(sql`SELECT ${identifier('a')} WHERE ${where}`.text).toBe("SELECT a WHERE (a = 1) AND (b IN ('x'))")
    expect(allOf([]).text).toBe('1')
    expect(list([]).text).toBe('(NULL)')
    expect(second(1999).text).toBe("toDateTime(1, 'UTC')")
    expect(instant(-1).text).toBe("fromUnixTimestamp64Milli(toInt64(-1), 'UTC')")
  })
})
