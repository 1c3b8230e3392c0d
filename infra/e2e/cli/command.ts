/** `npx heliograph` as a person runs it: a process of its own on the data directory of an instance. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const CLI = new URL('../../src/bin/cli.ts', import.meta.url).pathname

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
  /** Standard output as JSON, one value a line. */
  json<T>(): T[]
}

export function spawnCommand(dataDir: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, ...args], {
    // No `.env` of a developer's reaches a test.
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], HELIO_DATA_DIR: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs to the end. */
export async function command(dataDir: string, args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const child = spawnCommand(dataDir, args, env)
  let stdout = ''
  let stderr = ''
  child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return {
    code,
    stdout,
    stderr,
    json: <T>() =>
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as T),
  }
}

/** Runs to the end and expects it to have gone well. */
export async function good(dataDir: string, args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const ran = await command(dataDir, args, env)
  if (ran.code !== 0) throw new Error(`heliograph ${args.join(' ')} ended with ${ran.code}:\n${ran.stderr}`)
  return ran
}

export const emptyDir = (name: string): string => mkdtempSync(join(tmpdir(), `helio-${name}-`))
