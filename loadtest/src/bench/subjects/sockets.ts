/** A thousand people watch the fleet while twenty thousand messages a second come in: from the device's clock to the page. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ViewersOptions, ViewersResult } from '../children/viewers.ts'
import { prepareFleet, SEED } from '../lib/fleet-setup.ts'
import { cpuSeconds, cpuSecondsByPart, ROOT, startChild } from '../lib/processes.ts'
import { serverSettings, startServer } from '../lib/server.ts'
import { atMost, type BenchContext, type Measure, sleep, type Subject } from '../lib/subject.ts'

const SIMULATE = fileURLToPath(new URL('../../simulate.ts', import.meta.url))
const VIEWERS = fileURLToPath(new URL('../children/viewers.ts', import.meta.url))

async function run({ dir, quick, set }: BenchContext): Promise<Measure[]> {
  const rate = Number(set.get('rate') ?? 20_000)
  const sockets = Number(set.get('sockets') ?? (quick ? 100 : 1_000))
  const seconds = quick ? 10 : 40
  const server = await startServer(await serverSettings(join(dir, 'sockets')))
  try {
    const { login, devices, siteIds } = await prepareFleet(server, 20, 200)
    const options: ViewersOptions = {
      url: `ws://127.0.0.1:${server.httpPort}/api/v1/live`,
      cookie: server.api.cookie,
      origin: server.url,
      sockets,
      topic: set.get('topic') ?? 'fleet',
    }
    const viewers = await startChild(VIEWERS, { args: [JSON.stringify(options)], readyWithinMs: 60_000 })
    const generator = spawn(
      process.execPath,
      [
        SIMULATE,
        ...['--mqtt', `mqtt://127.0.0.1:${server.mqttPort}`, '--username', login.username, '--password', login.secret],
        ...['--devices', String(devices.length), '--connections', '100', '--seed', String(SEED)],
        ...['--rate', String(rate), '--seconds', String(seconds), '--json', '--quiet'],
      ],
      { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] },
    )
    const finished = new Promise<void>((resolve) => generator.once('close', () => resolve()))
    await sleep(4_000)
    const cpu = (): Record<string, number> => ({
      ...cpuSecondsByPart(server.child.process.pid!),
      viewers: cpuSeconds(viewers.process.pid!),
      generator: cpuSeconds(generator.pid!),
    })
    const used = cpu()
    viewers.process.send('measure')
    await sleep((seconds - 6) * 1_000)
    const cores = Object.fromEntries(
      Object.entries(cpu()).map(([what, total]) => [what, ((total - (used[what] ?? 0)) / (seconds - 6)).toFixed(2)]),
    )
    const result = await new Promise<ViewersResult>((resolve) => {
      viewers.process.on('message', (message) => resolve(message as ViewersResult))
      viewers.process.send('stop')
    })
    await finished
    if (result.updates === 0) throw new Error('no updates arrived')
    return [
      {
        name: `${sockets} sockets at ${rate} messages/s, sending to page p99`,
        unit: 'ms',
        ours: result.latency.p99,
        ...atMost(result.latency.p99, 250, 'ms'),
        details: { ...result, sites: siteIds.length, cores },
      },
      {
        name: 'sockets closed meanwhile',
        unit: 'sockets',
        ours: result.closed,
        ...atMost(result.closed, 0, 'sockets'),
      },
    ]
  } finally {
    await server.child.stop()
  }
}

export const sockets: Subject = { name: 'sockets', title: 'Live sockets under load', run }
