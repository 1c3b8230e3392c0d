/** `heliograph demo reset`: away with the demo's data; a running instance makes it anew, a stopped one with its next start. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeDemo, whyNoReset } from '../demo/reset.ts'
import { resetRequest } from '../demo/reset-request.ts'
import { holderOf, lockDataDir, LockedError } from '../process/lock.ts'
import { readSettings, type Settings } from '../settings.ts'
import { CliError } from './cli-error.ts'
import { note } from './output.ts'

const RESET_LIMIT_MS = 120_000
const LOOK_EVERY_MS = 200

/** @throws CliError where there is no demo or more than the demo, or where what runs does not start over */
export async function demoResetCommand(): Promise<void> {
  const settings = readSettings()
  const why = whyNoReset(settings)
  if (why !== undefined) throw new CliError(why)
  let lock: ReturnType<typeof lockDataDir>
  try {
    lock = lockDataDir(settings.dataDir)
  } catch (error) {
    if (!(error instanceof LockedError)) throw error
    return await resetRunning(settings)
  }
  try {
    removeDemo(settings)
  } finally {
    lock.release()
  }
  note('the demo’s data is gone; the next start makes it anew')
}

async function resetRunning(settings: Settings): Promise<void> {
  const pid = holderOf(settings.dataDir)
  if (pid === undefined) throw new CliError('it runs, and nothing tells as which process; stop it first')
  const request = resetRequest(settings)
  writeFileSync(request, '', { mode: 0o600 })
  note('starting over: whoever is signed in must sign in again')
  process.kill(pid, 'SIGUSR2')
  for (let waited = 0; waited < RESET_LIMIT_MS; waited += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS)
    if (!existsSync(request)) return note('the demo is made anew; its past comes in behind')
    const told = readFileSync(request, 'utf8')
    if (told !== '') {
      rmSync(request)
      throw new CliError(told)
    }
  }
  rmSync(request, { force: true })
  throw new CliError('the instance did not start over in time; see its output')
}
