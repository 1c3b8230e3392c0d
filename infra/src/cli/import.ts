/** `heliograph import`: history from a CSV file, through the ordinary line as backfill. */
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createGunzip } from 'node:zlib'
import { parse } from 'csv-parse'
import type { Metrics } from '@heliograph/crm-core/contracts'
import { type Client, CliError, devicesOf, findSite } from './client.ts'
import { readCell, readMapping } from './import-columns.ts'
import { timeReader } from './import-time.ts'
import { drained } from './pipeline.ts'

export interface ImportOptions {
  site: string
  device?: string
  deviceColumn?: string
  map: string
  time: string
  timeFormat?: string
  timezone?: string
}
export interface ImportResult {
  rows: number
  imported: number
  /** Rows in which nothing was measured. */
  empty: number
  bad: number
}

const CHUNK = 2_000
const BAD_ROWS_LISTED = 20

/** @throws CliError for what a person can mend; rows are never a reason to stop */
export async function importCommand(client: Client, file: string, options: ImportOptions): Promise<ImportResult> {
  if ((options.device === undefined) === (options.deviceColumn === undefined))
    throw new CliError('give either --device or --device-column', 2)
  const mapping = readMapping(options.map)
  const site = await findSite(client, options.site)
  const deviceByName = await devicesOf(client, site)
  const times = timeReader(options.timezone ?? site.timezone, options.timeFormat)
  const progress = resumeFile(file, options)
  const skip = progress.done()
  if (skip > 0) process.stderr.write(`going on behind row ${skip} of an import that was cut off\n`)

  const result: ImportResult = { rows: 0, imported: 0, empty: 0, bad: 0 }
  const previous = new Map<string, number>()
  let chunk: { deviceId: string; ts: number; metrics: Metrics }[] = []
  const send = async (): Promise<void> => {
    if (chunk.length > 0) await client.call('POST', '/api/v1/imports', { readings: chunk }, { tenantId: site.tenantId })
    result.imported += chunk.length
    chunk = []
    progress.save(result.rows)
    process.stderr.write(`\r${result.rows} rows`)
  }
  const bad = (row: number, why: string): void => {
    result.bad++
    if (result.bad <= BAD_ROWS_LISTED) process.stderr.write(`\rrow ${row}: ${why}\n`)
  }

  for await (const row of rowsOf(file, [options.time, ...(options.deviceColumn ? [options.deviceColumn] : []), ...mapping.map(({ column }) => column)])) {
    result.rows++
    try {
      const device = deviceByName(options.device ?? row[options.deviceColumn!]!.trim())
      const ts = times.read(row[options.time]!, previous.get(device.id))
      previous.set(device.id, ts)
      const metrics: Metrics = {}
      for (const column of mapping) {
        const value = readCell(row[column.column] ?? '', column)
        if (value !== undefined) metrics[column.metric] = value
      }
      if (Object.keys(metrics).length === 0) result.empty++
      else if (result.rows > skip) chunk.push({ deviceId: device.id, ts, metrics })
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof CliError)) throw error
      bad(result.rows, error.message)
    }
    if (chunk.length >= CHUNK) await send()
  }
  await send()
  process.stderr.write(`\r${result.rows} rows read; storing …\n`)
  await drained(client)
  progress.finish()
  if (result.bad > BAD_ROWS_LISTED) process.stderr.write(`${result.bad - BAD_ROWS_LISTED} more bad rows\n`)
  return result
}

async function* rowsOf(file: string, needed: string[]): AsyncGenerator<Record<string, string>> {
  try {
    statSync(file)
  } catch {
    throw new CliError(`there is no file ${file}`)
  }
  const source = createReadStream(file)
  const parser = parse({
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    trim: true,
    max_record_size: 1_000_000,
    columns(header: string[]) {
      const missing = needed.find((name) => !header.includes(name))
      if (missing !== undefined) throw new CliError(`the file has no column "${missing}"; it has ${header.slice(0, 30).join(', ')}`)
      return header
    },
  })
  source.on('error', (error) => parser.destroy(error))
  const gzip = file.endsWith('.gz') ? createGunzip() : undefined
  gzip?.on('error', (error) => parser.destroy(new CliError(`${file}: ${error.message}`)))
  ;(gzip ? source.pipe(gzip) : source).pipe(parser)
  yield* parser as AsyncIterable<Record<string, string>>
}

/** How far an import of the same file with the same options has come. */
function resumeFile(file: string, options: ImportOptions) {
  const { size, mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0, mtimeMs: 0 }
  const key = createHash('sha256').update(JSON.stringify([resolve(file), size, mtimeMs, options])).digest('hex').slice(0, 24)
  const path = join(tmpdir(), `heliograph-import-${key}.json`)
  return {
    done(): number {
      try {
        const { rows } = JSON.parse(readFileSync(path, 'utf8')) as { rows: unknown }
        return typeof rows === 'number' ? rows : 0
      } catch {
        return 0
      }
    },
    save: (rows: number) => writeFileSync(path, JSON.stringify({ rows })),
    finish: () => rmSync(path, { force: true }),
  }
}
