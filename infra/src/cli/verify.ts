/** `heliograph verify`: roll-ups against raw readings, and the log against the store. */
import type { VerifyReport } from '@heliograph/api'
import type { Client } from './client.ts'
import { note, print, printJson } from './output.ts'
import { drained } from './pipeline.ts'

export interface VerifyOptions {
  /** Roll-up windows to recompute. */
  windows?: string
  json?: boolean
}

/** @returns the exit code: 1 where something differs */
export async function verifyCommand(client: Client, options: VerifyOptions = {}): Promise<0 | 1> {
  note('waiting for the line to settle …')
  await drained(client)
  note('comparing …')
  const windows = options.windows === undefined ? undefined : Number(options.windows)
  const report = await client.call<VerifyReport>(
    'POST',
    '/api/v1/operations/verify',
    windows === undefined ? {} : { windows },
  )
  const { rollups, log, deadLetters } = report
  if (options.json) printJson(report)
  else {
    print(
      `roll-ups      ${rollups.buckets} buckets in ${rollups.windows} windows computed again: ${differ(rollups.differences)}`,
    )
    print(
      `log readings  ${log.checked} of ${log.records} looked up in the store: ${log.missing} missing${log.refused > 0 ? `, ${log.refused} kept as dead letters` : ''}`,
    )
    print(
      `dead letters  ${deadLetters.checked} of ${deadLetters.records} looked up in the store: ${deadLetters.missing} missing`,
    )
  }
  for (const example of [...rollups.examples, ...log.examples]) note(JSON.stringify(example))
  return report.ok ? 0 : 1
}

const differ = (count: number): string => (count === 1 ? '1 difference' : `${count} differences`)
