/** For tests: a process that appends until it is killed, and what it was told is on disk. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** @param where directory of the embedded log, or the address of a cluster */
export async function appendUntilKilled(where: string, run: number, afterMs: number): Promise<string[]> {
  const script = join(import.meta.dirname, 'append-until-killed.ts')
  const child = spawn(process.execPath, [script, where, String(run)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  while (!output.includes('ready\n')) await sleep(5)
  await sleep(afterMs)
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
  // What was written to the pipe was acknowledged, but for a line cut in the middle.
  return output
    .slice(0, output.lastIndexOf('\n'))
    .split('\n')
    .filter((line) => line !== 'ready' && line !== '')
}
