/**
 * The whole line under an open load: offered at a share of what the edge alone takes, for minutes. Judged by how long a
 * reading takes until a query finds it, whether the backlog grows, and memory.
 * `--set rate=N` offers another rate, `--set seconds=N` another time.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FleetReport } from '../../fleet/fleet.ts'
import type { PublisherOptions, PublisherResult } from '../children/publisher.ts'
import { drained, prepareFleet } from '../lib/fleet-setup.ts'
import { offer, type Sample } from '../lib/open-loop.ts'
import { ROOT, runGenerator, startChild } from '../lib/processes.ts'
import { createMqttConnection, type Server, serverSettings, startServer } from '../lib/server.ts'
import { countReadings } from '../lib/store.ts'
import { atMost, type BenchContext, type Measure, quantile, type Subject } from '../lib/subject.ts'

const PUBLISHER = fileURLToPath(new URL('../children/publisher.ts', import.meta.url))
const SHARE_OF_EDGE = 0.6
const DEVICES = 500

async function run({ dir, quick, set, log }: BenchContext): Promise<Measure[]> {
  const server = await startServer(await serverSettings(join(dir, 'line')))
  let report: FleetReport
  let samples: Sample[]
  let before: number
  let rate: number
  try {
    const fleet = await prepareFleet(server, 50, DEVICES)
    before = DEVICES
    rate = Number(set.get('rate') ?? 0) || (await edgeRate(server, log)) * SHARE_OF_EDGE
    const seconds = Number(set.get('seconds') ?? (quick ? 20 : 300))
    log(`offering ${Math.round(rate)} messages/s for ${seconds} s`)
    ;({ report, samples } = await offer(server, fleet, rate, seconds, log))
    log(`sent ${report.sent}, acknowledged ${report.acknowledged}; draining`)
    await drained(server.url, 300_000)
  } finally {
    await server.child.stop()
  }
  const rows = (await countReadings(server.dir)) - before
  // The first seconds fill caches and make the first parts; they are in the lag, not in the slope.
  const steady = samples.filter(({ atS }) => atS > Math.min(10, report.seconds / 3))
  const lag = quantile(
    samples.map(({ lagMs }) => lagMs),
    0.99,
  )
  const memory = Math.max(...samples.map(({ memoryMb }) => memoryMb))
  const backlogSlope = slope(steady.map(({ atS, backlog }) => [atS, backlog]))
  const half = steady.slice(Math.floor(steady.length / 2))
  return [
    { name: 'offered, open loop', unit: 'messages/s', ours: rate, details: { report, samples } },
    { name: 'stored and queryable, lag p99', unit: 'ms', ours: lag, ...atMost(lag, 2_000, 'ms') },
    {
      name: 'backlog slope',
      unit: 'records/s',
      ours: backlogSlope,
      // A share of the rate within which a slope is noise.
      ...atMost(backlogSlope, Math.round(rate * 0.01), 'records/s'),
    },
    { name: 'anonymous memory', unit: 'MB', ours: memory, ...atMost(memory, 1_331, 'MB') },
    {
      name: 'memory growth in the second half',
      unit: 'MB/min',
      ours: slope(half.map(({ atS, memoryMb }) => [atS, memoryMb])) * 60,
      ...atMost(slope(half.map(({ atS, memoryMb }) => [atS, memoryMb])) * 60, 20, 'MB/min'),
    },
    {
      name: 'sent = acknowledged = stored',
      unit: 'rows',
      ours: rows,
      ceiling: report.rows,
      ratio: rows / report.rows,
      target: 'exactly 1',
      met: rows === report.rows && report.sent === report.acknowledged && report.notSent === 0,
    },
  ]
}

/** What the edge takes while nothing else is asked of the machine but to keep up: another connection, nobody's devices. */
async function edgeRate(server: Server, log: (line: string) => void): Promise<number> {
  const scratch = await startServer(await serverSettings(`${server.dir}-edge`))
  const { username, secret } = await createMqttConnection(scratch.local)
  await scratch.child.stop()
  const edge = await startChild(join(ROOT, 'infra/src/bin/edge.ts'), { env: scratch.env })
  try {
    const options: PublisherOptions = {
      host: '127.0.0.1',
      port: scratch.mqttPort,
      username,
      password: secret,
      // As a fleet comes: each connection waits for its acknowledgement. With many in flight two cores are full of the edge and
      // its generator alone, and six tenths of that leave less than the rest of the line needs.
      connections: 1_000,
      window: 1,
      warmupMs: 1_500,
      measureMs: 4_000,
      run: 0,
    }
    const { perSecond } = await runGenerator<PublisherResult>(PUBLISHER, [JSON.stringify(options)])
    log(`the edge alone takes ${Math.round(perSecond)} messages/s`)
    return perSecond
  } finally {
    await edge.stop()
  }
}

/** Least squares, units of y per unit of x. */
function slope(points: readonly (readonly [number, number])[]): number {
  if (points.length < 2) return 0
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length
  let above = 0
  let below = 0
  for (const [x, y] of points) {
    above += (x - meanX) * (y - meanY)
    below += (x - meanX) ** 2
  }
  return below === 0 ? 0 : above / below
}

export const endToEnd: Subject = { name: 'end-to-end', title: 'The whole line, open loop', run }
