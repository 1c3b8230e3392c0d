/** Messages are offered at a rate, whatever the server does, while somebody looks how old is what a query finds. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { FleetReport } from '../../fleet/fleet.ts'
import { type KnownFleet, SEED, totalLag } from './fleet-setup.ts'
import { anonymousMb, ROOT } from './processes.ts'
import type { Server } from './server.ts'
import { sleep } from './subject.ts'

const SIMULATE = fileURLToPath(new URL('../../simulate.ts', import.meta.url))

export interface Sample {
  atS: number
  lagMs: number
  backlog: number
  memoryMb: number
}

export async function offer(
  server: Server,
  { login, devices }: KnownFleet,
  rate: number,
  seconds: number,
  log: (line: string) => void,
): Promise<{ report: FleetReport; samples: Sample[] }> {
  const generator = spawn(
    process.execPath,
    [
      SIMULATE,
      ...['--mqtt', `mqtt://127.0.0.1:${server.mqttPort}`, '--username', login.username, '--password', login.secret],
      ...['--devices', String(devices.length), '--connections', '100', '--seed', String(SEED)],
      ...['--rate', String(Math.round(rate)), '--seconds', String(seconds), '--json', '--quiet'],
    ],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  generator.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  let ended = false
  const finished = new Promise<void>((resolve) =>
    generator.once('close', () => {
      ended = true
      resolve()
    }),
  )
  const samples: Sample[] = []
  const started = performance.now()
  // The first messages need a moment to exist.
  await sleep(2_000)
  for (let turn = 0; !ended && performance.now() - started < seconds * 1_000; turn++) {
    const atS = (performance.now() - started) / 1_000
    const [lagMs, backlog] = await Promise.all([
      queryLag(server, devices[(turn * 37) % devices.length]!.id),
      totalLag(server.url),
    ])
    samples.push({ atS, lagMs, backlog, memoryMb: anonymousMb(server.child.process.pid!) })
    if (turn % 20 === 0)
      log(`${atS.toFixed(0)} s: lag ${Math.round(lagMs)} ms, backlog ${backlog}, ${samples.at(-1)!.memoryMb} MB`)
    await sleep(500)
  }
  await finished
  return { report: JSON.parse(output) as FleetReport, samples }
}

/** Age of the newest reading of a device that a query finds, by the device's own time, which is that of sending. */
async function queryLag(server: Server, deviceId: string): Promise<number> {
  for (const windowMs of [1_000, 3_000, 10_000, 60_000, 600_000]) {
    const now = Date.now()
    const from = now - windowMs
    const { items } = await server.local.get<{ items: { ts: string }[] }>(
      `/devices/${deviceId}/readings?from=${from}&to=${now + 60_000}&limit=500`,
    )
    const newest = items.at(-1)
    // A full page may hide newer ones; what it shows is the upper bound of the lag.
    if (newest) return now - Date.parse(newest.ts)
  }
  return 600_000
}
