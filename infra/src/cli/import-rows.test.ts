import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCsv } from './import-rows.ts'

let dir: string
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'heliograph-rows-'))))
afterAll(() => rmSync(dir, { recursive: true }))

async function read(content: string | Buffer, columns: string[]): Promise<string[][]> {
  const file = join(dir, 'file.csv')
  writeFileSync(file, content)
  const csv = await openCsv(file, columns)
  const rows: string[][] = []
  for await (const row of csv.rows()) rows.push(columns.map((column) => row[csv.place(column)] ?? ''))
  return rows
}

describe('a CSV file', () => {
  const EXPECTED = [
    ['2020-01-01 00:00', '1.5'],
    ['2020-01-01 00:05', ''],
  ]
  it.each<[string, string | Buffer]>([
    ['plain', 't,x,p\n2020-01-01 00:00,a,1.5\n2020-01-01 00:05,b,\n'],
    [
      'with a byte order mark and Windows line ends',
      '\uFEFFt,x,p\r\n2020-01-01 00:00,a,1.5\r\n2020-01-01 00:05,b,\r\n',
    ],
    ['separated by semicolons', 't;x;p\n2020-01-01 00:00;a;1.5\n2020-01-01 00:05;b;\n'],
    ['separated by tabs', 't\tx\tp\n2020-01-01 00:00\ta\t1.5\n2020-01-01 00:05\tb\t\n'],
    ['quoted', '"t","x, y","p"\n"2020-01-01 00:00","a\nb","1.5"\n"2020-01-01 00:05","b",""\n'],
    ['packed', gzipSync('t,p\n2020-01-01 00:00,1.5\n2020-01-01 00:05,\n')],
    [
      'of several packed parts',
      Buffer.concat([gzipSync('t,p\n2020-01-01 00:00,1.5\n'), gzipSync('2020-01-01 00:05,\n')]),
    ],
    ['without an end of line at the end', 't,p\n2020-01-01 00:00,1.5\n2020-01-01 00:05,'],
    [
      'of a data logger, with lines around its header',
      '"TOA5","Baseline","CR1000","66375"\n"t","RECORD","p"\n"TS","RN","W/m2"\n"","","Avg"\n"2020-01-01 00:00",1,1.5\n"2020-01-01 00:05",2,\n',
    ],
  ])('%s', async (_name, content) => {
    expect(await read(content, ['t', 'p'])).toEqual(EXPECTED)
  })
  it('may have a column without a name', async () => {
    expect(await read(',p\n2020-01-01 00:00,1\n', ['', 'p'])).toEqual([['2020-01-01 00:00', '1']])
  })
  it('keeps lines that are no rows behind the first good one, to be counted', async () => {
    expect(await read('t,p\n2020-01-01 00:00,1\nTS,W\n', ['t', 'p'])).toHaveLength(2)
  })
  it('names what it has where a column is missing', async () => {
    await expect(read('time,power\n1,2\n', ['time', 'p'])).rejects.toThrow(/no column "p"; it has "time", "power"/)
  })
  it('says that a packed file ends too early, after what could be read', async () => {
    const whole = gzipSync(
      `t,p\n${Array.from({ length: 20_000 }, (_, i) => `2020-01-01 00:00,${i * 7919}`).join('\n')}\n`,
    )
    const file = join(dir, 'cut.csv.gz')
    writeFileSync(file, whole.subarray(0, whole.length - 100))
    const csv = await openCsv(file, ['t', 'p'])
    let rows = 0
    const all = (async () => {
      for await (const _ of csv.rows()) rows++
    })()
    await expect(all).rejects.toMatchObject({ exitCode: 1 })
    expect(rows).toBeGreaterThan(1_000)
  })
})
