/** Webhooks of a hundred readings, signed and durable, against bare fastify that checks and parses the same and keeps nothing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { HttpLoadOptions, HttpLoadResult } from '../children/http-load.ts'
import { processTree, runGenerator, startChild } from '../lib/processes.ts'
import { serverSettings, startServer } from '../lib/server.ts'
import { atLeast, type BenchContext, type Measure, median, sleep, type Subject } from '../lib/subject.ts'

const LOAD = fileURLToPath(new URL('../children/http-load.ts', import.meta.url))
const BARE = fileURLToPath(new URL('../children/bare-fastify.ts', import.meta.url))
const READINGS = 100

async function run({ dir, quick, log }: BenchContext): Promise<Measure[]> {
  const server = await startServer(await serverSettings(join(dir, 'webhook')))
  const { id, secret } = await server.local.post<{ id: string; secret: string }>('/connections', {
    name: 'bench webhook',
    transport: 'webhook',
    vendor: 'native',
    scheme: 'standard-webhooks',
  })
  const bare = await startChild(BARE, { args: [secret] })
  // It stands still, since the edge is what is measured: decoding would take its share of the same two cores at its own pace.
  const worker = processTree(server.child.process.pid!).find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('bin/worker.ts'),
  )
  if (worker === undefined) throw new Error('no worker process found')
  const ours: number[] = []
  const ceiling: number[] = []
  let latency: HttpLoadResult['latency'] | undefined
  let accepted = 0
  let sent = 0
  try {
    for (let round = 0; round < (quick ? 2 : 5); round++) {
      await breathe(worker)
      const load = (port: number, path: string): Promise<HttpLoadResult> => {
        const options: HttpLoadOptions = {
          port,
          path,
          secret,
          sockets: 32,
          readings: READINGS,
          warmupMs: 1_000,
          measureMs: quick ? 2_000 : 5_000,
          run: round,
        }
        return runGenerator<HttpLoadResult>(LOAD, [JSON.stringify(options)])
      }
      const best = await load(bare.ready.port as number, '/hook')
      const result = await load(server.httpPort, `/ingest/v1/webhooks/${id}`)
      if (Object.keys(result.refused).length > 0) throw new Error(`refused: ${JSON.stringify(result.refused)}`)
      ours.push(result.perSecond)
      ceiling.push(best.perSecond)
      latency = result.latency
      accepted += result.accepted
      sent += result.sent
      log(`ours ${Math.round(result.perSecond)}/s, bare fastify ${Math.round(best.perSecond)}/s`)
    }
  } finally {
    await bare.kill()
    process.kill(worker, 'SIGCONT')
    await server.child.stop()
  }
  const ratios = ours.map((rate, index) => rate / ceiling[index]!)
  return [
    {
      name: `webhooks of ${READINGS} readings`,
      unit: 'requests/s',
      ours: median(ours),
      ceiling: median(ceiling),
      ...atLeast(median(ratios), 0.4),
      details: { ratios, latency, sent, accepted },
    },
  ]
}

/** A part that has not answered for half a minute hangs, and the supervisor begins it anew: it answers once a round. */
async function breathe(stopped: number): Promise<void> {
  process.kill(stopped, 'SIGCONT')
  await sleep(BREATH_MS)
  process.kill(stopped, 'SIGSTOP')
}
const BREATH_MS = 500

export const webhook: Subject = { name: 'webhook', title: 'Webhooks, durable, against bare fastify', run }
