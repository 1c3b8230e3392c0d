/** `heliograph import`: history from a CSV file, through the ordinary line as backfill. */
import type { Metrics } from '@heliograph/crm-core/contracts'
import { type Client, CliError, devicesOf, findSite, type FoundDevice } from './client.ts'
import { readCell, readMapping } from './import-columns.ts'
import { resumePoint } from './import-resume.ts'
import { openCsv } from './import-rows.ts'
import { timeReader } from './import-time.ts'
import { note, progress } from './output.ts'
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
/** `rows = imported + empty + bad + before`. */
export interface ImportResult {
  rows: number
  imported: number
  /** Rows in which nothing was measured. */
  empty: number
  /** Rows that could not be read. */
  bad: number
  /** Rows that are in, but for a cell that could not be read. */
  partly: number
  /** Rows that an earlier, cut off run of this import brought in. */
  before: number
}

/** Small enough that the server's loop serves others in between. */
const CHUNK = 1_000
const BAD_ROWS_LISTED = 20

interface Item {
  deviceId: string
  ts: number
  metrics: Metrics
}

/** @throws CliError for what a person can mend; rows are never a reason to stop */
export async function importCommand(client: Client, file: string, options: ImportOptions): Promise<ImportResult> {
  if ((options.device === undefined) === (options.deviceColumn === undefined))
    throw new CliError('give either --device or --device-column', 2)
  const mapping = readMapping(options.map)
  const site = await findSite(client, options.site)
  const deviceByName = remembered(await devicesOf(client, site))
  const only = options.device === undefined ? undefined : deviceByName(options.device)
  const times = timeReader(options.timezone ?? site.timezone, options.timeFormat)
  const needed = [
    options.time,
    ...(options.deviceColumn === undefined ? [] : [options.deviceColumn]),
    ...mapping.map(({ column }) => column),
  ]
  const csv = await openCsv(file, [...new Set(needed)])
  const timeAt = csv.place(options.time)
  const deviceAt = options.deviceColumn === undefined ? -1 : csv.place(options.deviceColumn)
  const columns = mapping.map((column) => ({ ...column, at: csv.place(column.column), decimalComma: csv.decimalComma }))
  const resume = await resumePoint(file, [client.target, site.id, options])
  if (resume.rows > 0) note(`going on behind row ${resume.rows} of an import that was cut off`)

  const result: ImportResult = { rows: 0, imported: 0, empty: 0, bad: 0, partly: 0, before: 0 }
  const previous = new Map<string, number>()
  let listed = 0
  const complain = (why: string): void => {
    if (++listed <= BAD_ROWS_LISTED) note(`row ${result.rows}: ${why}`)
  }
  /** Undefined for a row without a reading. */
  const readRow = (row: string[]): Item | undefined => {
    const device = only ?? deviceByName(row[deviceAt] ?? '')
    const ts = times.read(row[timeAt] ?? '', previous.get(device.id))
    previous.set(device.id, ts)
    const metrics: Metrics = {}
    let read = 0
    let problem: string | undefined
    for (const column of columns) {
      try {
        const value = readCell(row[column.at] ?? '', column)
        if (value === undefined) continue
        metrics[column.metric] = value
        read++
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        problem ??= error.message
      }
    }
    if (problem !== undefined) {
      if (read === 0) throw new RangeError(problem)
      result.partly++
      complain(`${problem}; the rest of the row is taken`)
    }
    return read === 0 ? undefined : { deviceId: device.id, ts, metrics }
  }

  let chunk: Item[] = []
  let sending: Promise<void> | undefined
  /** One request under way while the next rows are read; never two, so that later rows stay later. */
  const send = async (): Promise<void> => {
    await sending
    const readings = chunk
    const rows = result.rows
    chunk = []
    sending = (async () => {
      if (readings.length > 0) await client.call('POST', '/api/v1/imports', { readings }, { tenantId: site.tenantId })
      result.imported += readings.length
      await resume.save(rows)
      progress(`${rows} rows`)
    })()
    // It is waited for later; a failure must not count as unhandled until then.
    sending.catch(() => undefined)
  }

  for await (const row of csv.rows()) {
    result.rows++
    try {
      const item = readRow(row)
      if (item === undefined) result.empty++
      else if (result.rows <= resume.rows) result.before++
      else chunk.push(item)
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof CliError)) throw error
      result.bad++
      complain(error.message)
    }
    if (chunk.length >= CHUNK) await send()
  }
  await send()
  await sending
  if (listed > BAD_ROWS_LISTED) note(`… and ${listed - BAD_ROWS_LISTED} more`)
  note(`${result.rows} rows read; storing …`)
  await drained(client)
  await resume.finish()
  return result
}

/** A file names the same few devices again and again. */
function remembered(find: (name: string) => FoundDevice): (name: string) => FoundDevice {
  const known = new Map<string, FoundDevice | CliError>()
  return (name) => {
    let found = known.get(name)
    if (found === undefined) {
      try {
        found = find(name)
      } catch (error) {
        if (!(error instanceof CliError)) throw error
        found = error
      }
      if (known.size < 10_000) known.set(name, found)
    }
    if (found instanceof CliError) throw found
    return found
  }
}
