/** Programs that installing needs: run to their end, their output kept for the day they fail. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const KEPT_OUTPUT = 8_000

interface CommandOptions {
  cwd?: string
  env?: Record<string, string>
  /** Text for its standard input. */
  input?: string
}

/** @returns standard output */
export async function runCommand(program: string, args: string[], options: CommandOptions = {}): Promise<string> {
  const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: 'pipe' })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-KEPT_OUTPUT)))
  // A program that ends early closes its input; its exit code tells.
  child.stdin.on('error', () => undefined).end(options.input ?? '')
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0)
    throw new Error(
      `${program} ${args.slice(0, 4).join(' ')} … ended with ${code}:\n${errors || output.slice(-KEPT_OUTPUT)}`,
    )
  return output
}

export function hasCommand(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)))
}
