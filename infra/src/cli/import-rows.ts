/** Rows of a CSV file as loggers write them: lines before the header, lines of units behind it, any usual separator, gzip. */
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { createGunzip, gunzipSync, constants } from 'node:zlib'
import { parse } from 'csv-parse'
import { parse as parseSync } from 'csv-parse/sync'
import { CliError } from './cli-error.ts'

export interface CsvFile {
  /** Places of the columns that were asked for. */
  place(column: string): number
  /** Numbers are written with a comma. */
  decimalComma: boolean
  /** Rows behind the header, as cells. */
  rows(): AsyncIterable<string[]>
}

/** A header stands within the first lines and bytes. */
const HEAD_BYTES = 256 * 1024
const HEAD_LINES = 100
const MAX_RECORD_BYTES = 1_000_000
const SEPARATORS = [',', ';', '\t', '|'] as const
const OPTIONS = {
  bom: true,
  relax_column_count: true,
  relax_quotes: true,
  skip_empty_lines: true,
  trim: true,
  max_record_size: MAX_RECORD_BYTES,
} as const

/** @throws CliError where the file cannot be read or has no line that names all the columns */
export async function openCsv(file: string, columns: readonly string[]): Promise<CsvFile> {
  const found = await stat(file).catch(() => undefined)
  if (!found?.isFile()) throw new CliError(`there is no file ${file}`)
  const lines = (await headOf(file)).split(/\r\n|\n|\r/)
  // A line cut by the end of what was read is no header, unless it is all there is.
  if (lines.length > 1) lines.pop()
  let nearest: { header: string[]; known: number } | undefined
  for (const [index, line] of lines.slice(0, HEAD_LINES).entries())
    for (const separator of SEPARATORS) {
      const header = cellsOf(line, separator)
      const known = columns.filter((column) => header.includes(column)).length
      if (known === columns.length && (columns.length > 1 || header.length > 1 || separator === ','))
        return {
          place: (column) => header.indexOf(column),
          decimalComma: separator !== ',',
          rows: () => rowsOf(file, separator, index + 1, header.indexOf(columns[0]!)),
        }
      if (header.length > 1 && (nearest === undefined || known > nearest.known)) nearest = { header, known }
    }
  const missing = columns.find((column) => !nearest?.header.includes(column)) ?? columns[0]!
  const has = nearest?.header.slice(0, 30).map((name) => `"${name}"`) ?? []
  throw new CliError(`${file} has no column "${missing}"; it has ${has.join(', ') || 'no header'}`)
}

async function headOf(file: string): Promise<string> {
  const handle = await open(file)
  try {
    const bytes = Buffer.alloc(HEAD_BYTES)
    const { bytesRead } = await handle.read(bytes, 0, HEAD_BYTES, 0)
    const read = bytes.subarray(0, bytesRead)
    const isGzip = read[0] === 0x1f && read[1] === 0x8b
    // The end of what was read cuts the stream: what comes before it is enough.
    const plain = isGzip
      ? gunzipSync(read, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 64 * 1024 * 1024 })
      : read
    return plain
      .subarray(0, HEAD_BYTES)
      .toString('utf8')
      .replace(/^\uFEFF/, '')
  } catch (error) {
    throw new CliError(`${file}: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await handle.close()
  }
}

function cellsOf(line: string, delimiter: string): string[] {
  try {
    return (parseSync(line, { ...OPTIONS, delimiter }) as unknown as string[][])[0] ?? []
  } catch {
    return []
  }
}

/** @param skipLines up to and with the header */
async function* rowsOf(file: string, delimiter: string, skipLines: number, timeAt: number): AsyncGenerator<string[]> {
  const source = createReadStream(file, { highWaterMark: 256 * 1024 })
  const parser = parse({ ...OPTIONS, delimiter, from_line: skipLines + 1 })
  const fail = (error: Error): void => void parser.destroy(new CliError(`${file}: ${error.message}`))
  source.on('error', fail)
  const first = await firstBytes(file)
  const gzip = first[0] === 0x1f && first[1] === 0x8b ? createGunzip() : undefined
  gzip?.on('error', fail)
  ;(gzip ? source.pipe(gzip) : source).pipe(parser)
  let begun = false
  try {
    for await (const row of parser as AsyncIterable<string[]>) {
      // Lines of units and of kinds of values, right below the header: they hold no number anywhere and no digit in the time.
      if (!begun && !/\d/.test(row[timeAt] ?? '') && row.every((cell) => cell === '' || Number.isNaN(Number(cell))))
        continue
      begun = true
      yield row
    }
  } finally {
    source.destroy()
    gzip?.destroy()
  }
}
async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file)
  try {
    const bytes = Buffer.alloc(2)
    await handle.read(bytes, 0, 2, 0)
    return bytes
  } finally {
    await handle.close()
  }
}
