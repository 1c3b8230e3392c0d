/** The list of sites while twenty thousand messages a second come in, and the first page of a fleet of ten thousand. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeSites, prepareFleet, SEED } from '../lib/fleet-setup.ts'
import { ROOT } from '../lib/processes.ts'
import { type Server, serverSettings, startServer } from '../lib/server.ts'
import { atMost, type BenchContext, type Measure, quantile, sleep, type Subject } from '../lib/subject.ts'

const SIMULATE = fileURLToPath(new URL('../../simulate.ts', import.meta.url))
const RATE = 20_000
/** The limit of one person: a steady fifteen a second stays below it. */
const PAUSE_MS = 1_000 / 15

async function run({ dir, quick, set, log }: BenchContext): Promise<Measure[]> {
  const rate = Number(set.get('rate') ?? RATE)
  const seconds = quick ? 10 : 40
  const server = await startServer(await serverSettings(join(dir, 'sites')))
  try {
    const { login, devices } = await prepareFleet(server, 100, 200)
    const generator = spawn(
      process.execPath,
      [
        SIMULATE,
        ...['--mqtt', `mqtt://127.0.0.1:${server.mqttPort}`, '--username', login.username, '--password', login.secret],
        ...['--devices', String(devices.length), '--connections', '100', '--seed', String(SEED)],
        ...['--rate', String(rate), '--seconds', String(seconds), '--json', '--quiet'],
      ],
      { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let output = ''
    generator.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const finished = new Promise<void>((resolve) => generator.once('close', () => resolve()))
    await sleep(3_000)
    const times = await timings(server, '/sites', (seconds - 4) * 1_000)
    await finished
    const report = JSON.parse(output) as { sent: number; acknowledged: number; seconds: number }
    const p95 = quantile(times, 0.95)
    log(`${report.sent} sent, ${report.acknowledged} acknowledged in ${report.seconds.toFixed(1)} s`)

    const fleet = quick ? 1_000 : 10_000
    await makeSites(server.local, fleet - 100)
    await sleep(2_000)
    const page = await timings(server, '/sites?limit=50', quick ? 3_000 : 10_000)
    return [
      {
        name: `GET /api/v1/sites p95 at ${rate} messages/s`,
        unit: 'ms',
        ours: p95,
        ...atMost(p95, 50, 'ms'),
        details: { p50: quantile(times, 0.5), p99: quantile(times, 0.99), requests: times.length, report },
      },
      {
        name: `first page of a fleet of ${fleet}, median`,
        unit: 'ms',
        ours: quantile(page, 0.5),
        ...atMost(quantile(page, 0.5), 30, 'ms'),
        details: { p95: quantile(page, 0.95), requests: page.length },
      },
    ]
  } finally {
    await server.child.stop()
  }
}

async function timings(server: Server, path: string, forMs: number): Promise<number[]> {
  const times: number[] = []
  const until = performance.now() + forMs
  while (performance.now() < until) {
    const due = performance.now() + PAUSE_MS
    times.push(await server.api.time(path))
    await sleep(Math.max(0, due - performance.now()))
  }
  return times
}

export const sites: Subject = { name: 'sites', title: 'The list of sites under load', run }
