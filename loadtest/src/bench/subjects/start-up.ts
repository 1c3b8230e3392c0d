/**
 * How soon the server is there: on an existing data directory, and after kill -9 of all its processes with records in the
 * log that nobody has decoded yet.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectedClient, drained, prepareFleet, publishAll } from '../lib/fleet-setup.ts'
import { processTree } from '../lib/processes.ts'
import { serverSettings, startServer } from '../lib/server.ts'
import { countReadings } from '../lib/store.ts'
import { atMost, type BenchContext, type Measure, type Subject, waitFor } from '../lib/subject.ts'

const READY_MS = 3_000
const CAUGHT_UP_MS = 15_000
const DEVICES = 100

async function run({ dir, quick, log }: BenchContext): Promise<Measure[]> {
  const undrained = quick ? 20_000 : 200_000
  const settings = await serverSettings(join(dir, 'start'))
  const first = await startServer(settings)
  const { login, devices } = await prepareFleet(first, 20, DEVICES)
  await first.child.stop()

  const again = await startServer(settings)
  log(`ready in ${Math.round(again.readyMs)} ms on an existing data directory`)
  // The worker stands still, so that what is acknowledged now waits in the log undecoded.
  const worker = processTree(again.child.process.pid!).find((pid) => commandLine(pid).includes('bin/worker.ts'))
  if (worker === undefined) throw new Error('no worker process found')
  process.kill(worker, 'SIGSTOP')
  const client = await connectedClient(again, login, 'undrained')
  // Before anything that was said for preparing: one instant of a device is one row.
  const base = Date.now() - 3_600_000 - undrained * 10
  const body = function* (): Generator<Buffer> {
    for (let index = 0; index < undrained; index++)
      yield Buffer.from(
        `{"device":"${devices[index % DEVICES]!.serial}","ts":${base + index * 10},"metrics":{"ac_power_w":${index % 9000},"energy_total_wh":${1_000_000 + index}}}`,
      )
  }
  const acknowledged = await publishAll(client, body(), 5_000)
  client.destroy()
  for (const pid of processTree(again.child.process.pid!).reverse()) process.kill(pid, 'SIGKILL')
  await again.child.kill()

  const killed = performance.now()
  const starting = startServer(settings)
  await waitFor(
    'the edge to accept again',
    60_000,
    async () => {
      try {
        const probe = await connectedClient(settings, login, 'probe')
        await publishAll(probe, [Buffer.from('{"device":"probe","metrics":{"ac_power_w":1}}')])
        await probe.end()
        return true
      } catch {
        return undefined
      }
    },
    10,
  )
  const acceptingMs = performance.now() - killed
  const server = await starting
  await drained(server.url, 120_000)
  // `drained` looks three times, 200 ms apart.
  const caughtUpMs = performance.now() - killed - 400
  log(`accepting after ${Math.round(acceptingMs)} ms, caught up after ${Math.round(caughtUpMs)} ms`)
  await server.child.stop()
  const rows = (await countReadings(settings.dir)) - DEVICES
  return [
    {
      name: 'ready on an existing data directory',
      unit: 'ms',
      ours: again.readyMs,
      ...atMost(again.readyMs, READY_MS, 'ms'),
    },
    { name: 'accepting after kill -9', unit: 'ms', ours: acceptingMs, ...atMost(acceptingMs, READY_MS, 'ms') },
    {
      name: `caught up after kill -9 with ${undrained} records undrained`,
      unit: 'ms',
      ours: caughtUpMs,
      ...atMost(caughtUpMs, CAUGHT_UP_MS, 'ms'),
    },
    {
      name: 'acknowledged = stored after kill -9',
      unit: 'rows',
      ours: rows,
      ceiling: acknowledged,
      ratio: rows / acknowledged,
      target: 'exactly 1',
      met: rows === acknowledged,
    },
  ]
}
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

export const startUp: Subject = { name: 'start-up', title: 'Start and recovery after kill -9', run }
