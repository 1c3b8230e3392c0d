/**
 * Kill -9 at random under load: the whole server or one of its processes, again and again, while a fleet goes on sending
 * and reconnecting. In the end every message that was acknowledged is one row, and there is no other row.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FleetReport } from '../../fleet/fleet.ts'
import { unit } from '../../fleet/random.ts'
import { drained, prepareFleet, SEED } from '../lib/fleet-setup.ts'
import { processTree, ROOT } from '../lib/processes.ts'
import { serverSettings, startServer } from '../lib/server.ts'
import { countReadings } from '../lib/store.ts'
import { type BenchContext, type Measure, sleep, type Subject } from '../lib/subject.ts'

const SIMULATE = fileURLToPath(new URL('../../simulate.ts', import.meta.url))
const VICTIMS = ['everything', 'edge', 'worker', 'warehouse', 'api'] as const
const DEVICES = 100

async function run({ dir, quick, set, log }: BenchContext): Promise<Measure[]> {
  const rounds = Number(set.get('rounds') ?? (quick ? 4 : 20))
  const rate = Number(set.get('rate') ?? 2_000)
  const seed = Number(set.get('seed') ?? 1)
  const settings = await serverSettings(join(dir, 'kill'))
  let server = await startServer(settings)
  const { login } = await prepareFleet(server, 10, DEVICES)
  const seconds = rounds * 8
  const generator = spawn(
    process.execPath,
    [
      SIMULATE,
      ...['--mqtt', `mqtt://127.0.0.1:${server.mqttPort}`, '--username', login.username, '--password', login.secret],
      ...['--devices', String(DEVICES), '--connections', '50', '--seed', String(SEED)],
      ...['--rate', String(rate), '--seconds', String(seconds), '--json'],
    ],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  // All its devices are signed in when it tells of its first second.
  const begun = new Promise<void>((resolve) => generator.stderr.once('data', () => resolve()))
  generator.stderr.resume()
  let output = ''
  let ended = false
  generator.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const finished = new Promise<void>((resolve) =>
    generator.once('close', () => {
      ended = true
      resolve()
    }),
  )
  let killed = 0
  try {
    await begun
    for (let round = 0; round < rounds && !ended; round++) {
      await sleep(1_000 + 4_000 * unit(seed, round, 1))
      const victim = VICTIMS[round % VICTIMS.length]!
      const pids = processTree(server.child.process.pid!)
      if (victim === 'everything') {
        for (const pid of pids.reverse()) end(pid)
        await server.child.kill()
        server = await startServer(settings)
      } else {
        const pid = pids.find((candidate) => commandLine(candidate).includes(`bin/${victim}.ts`))
        if (pid === undefined) continue
        end(pid)
      }
      killed++
      log(`killed ${victim}`)
    }
    await finished
    await drained(server.url, 300_000)
  } finally {
    await server.child.stop()
  }
  const report = JSON.parse(output) as FleetReport
  const rows = (await countReadings(settings.dir)) - DEVICES
  log(`${killed} kills; sent ${report.sent}, acknowledged ${report.acknowledged}, reconnects ${report.reconnects}`)
  return [
    {
      name: `acknowledged = stored after ${killed} kills`,
      unit: 'rows',
      ours: rows,
      ceiling: report.rows,
      ratio: rows / report.rows,
      target: 'exactly 1',
      met: rows === report.rows && report.sent === report.acknowledged && report.notSent === 0,
      details: { report },
    },
  ]
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It went with its parent.
  }
}
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

export const kill: Subject = { name: 'kill', title: 'Kill -9 at random under load', run }
