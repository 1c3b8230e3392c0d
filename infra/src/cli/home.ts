/** Where the instance of this installation lives, for a tool that is called from anywhere. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'

/**
 * Called from another folder than the installation's own, the settings of `npm start` hold all the same: its `.env`, and its
 * data directory. What the environment or a `.env` of this folder say goes before.
 * @param home folder of the installation
 */
export function takeSettingsOf(home: string, environment: NodeJS.ProcessEnv = process.env, here = process.cwd()): void {
  if (resolve(here) === resolve(home)) return
  const own = readEnv(here)
  const settings = readEnv(home)
  for (const [name, value] of Object.entries({ HELIO_DATA_DIR: 'data', ...settings })) {
    if (!name.startsWith('HELIO_') || environment[name] !== undefined || own[name] !== undefined) continue
    environment[name] = name === 'HELIO_DATA_DIR' ? resolve(home, value) : value
  }
}

function readEnv(folder: string): Record<string, string> {
  const file = join(folder, '.env')
  return existsSync(file) ? (parseEnv(readFileSync(file, 'utf8')) as Record<string, string>) : {}
}
