import { readFileSync } from 'node:fs'
import { DecodeError, decodedLine, decodeFile, vendors } from '@heliograph/ingest'
import { CliError } from './cli-error.ts'
import { note, print } from './output.ts'

export interface DecodeOptions {
  vendor: string
  topic?: string
  receivedAt?: string
  timezone?: string
}

/**
 * `heliograph decode`: what a vendor's files hold, one JSON line a reading. Needs no data directory.
 * @returns the exit code: 1 where something was not understood
 */
export function decodeCommand(files: string[], options: DecodeOptions): 0 | 1 {
  const vendor = vendors.get(options.vendor)
  if (!vendor) throw new CliError(`there is no vendor "${options.vendor}"; one of ${[...vendors.keys()].join(', ')}`, 2)
  const receivedAt = options.receivedAt === undefined ? Date.now() : readInstant(options.receivedAt)
  if (options.timezone !== undefined && !isTimezone(options.timezone))
    throw new CliError(`"${options.timezone}" is not an IANA time zone`, 2)
  // One state for all files, in their order: a birth in one names what the next one counts.
  const state: unknown = vendor.initialState?.()
  let code: 0 | 1 = 0
  const complain = (line: string): void => {
    note(line.replaceAll(/\s+/g, ' '))
    code = 1
  }
  for (const file of files) {
    try {
      const { readings, rejected } = decodeFile(
        vendor,
        file,
        readFileSync(file),
        {
          receivedAt,
          ...(options.topic !== undefined && { topic: options.topic }),
          ...(options.timezone !== undefined && { timezone: options.timezone }),
        },
        state,
      )
      for (const reading of readings) print(decodedLine(reading))
      const [first] = rejected
      if (first) {
        const more = rejected.length > 1 ? ` (and ${rejected.length - 1} more)` : ''
        const where = first.line === undefined ? '' : `, line ${first.line}`
        complain(`${file}${where}: ${first.reason}: ${first.detail}${more}`)
      }
    } catch (error) {
      if (error instanceof DecodeError) complain(`${file}: ${error.reason}: ${error.message}`)
      else if (error instanceof Error && 'code' in error) complain(`${file}: ${error.message}`)
      else throw error
    }
  }
  return code
}

function readInstant(text: string): number {
  const instant = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isFinite(instant)) throw new CliError(`"${text}" is no time; give RFC 3339 or UTC milliseconds`, 2)
  return instant
}
function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
