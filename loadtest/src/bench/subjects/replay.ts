/** Replay from raw, against the rate at which the engine takes ready-made Native blocks of the same rows. */
import { join } from 'node:path'
import { connectedClient, drained, prepareFleet, publishAll } from '../lib/fleet-setup.ts'
import { serverSettings, startServer } from '../lib/server.ts'
import { openStore } from '../lib/store.ts'
import { atLeast, type BenchContext, type Measure, median, type Subject, waitFor } from '../lib/subject.ts'

const DEVICES = 100
const BLOCK = 50_000

async function run({ dir, quick, set, log }: BenchContext): Promise<Measure[]> {
  const messages = Number(set.get('messages') ?? (quick ? 50_000 : 500_000))
  const server = await startServer(await serverSettings(join(dir, 'replay')))
  let seconds: number
  try {
    const { login, devices } = await prepareFleet(server, 20, DEVICES)
    const base = Date.now() - messages * 50
    const client = await connectedClient(server, login, 'history')
    const body = function* (): Generator<Buffer> {
      for (let index = 0; index < messages; index++)
        yield Buffer.from(
          `{"device":"${devices[index % DEVICES]!.serial}","ts":${base + index * 50},"metrics":{"ac_power_w":${index % 9000},"dc_power_w":${(index % 9000) + 100},"energy_total_wh":${1_000_000 + index},"inverter_temp_c":40.5,"frequency_hz":50.01},"status":"producing"}`,
        )
    }
    await publishAll(client, body(), 5_000)
    await client.end()
    await drained(server.url, 300_000)
    log(`${messages} messages are stored; replaying them`)
    const started = performance.now()
    const { id } = await server.local.post<{ id: string }>('/replays', { connectionId: login.id })
    await waitFor(
      'the replay to end',
      600_000,
      async () => {
        const { state, error } = await server.local.get<{ state: string; error: string | null }>(`/replays/${id}`)
        if (state === 'failed') throw new Error(`the replay failed: ${error}`)
        return state === 'done' || undefined
      },
      100,
    )
    // Done is told when the last reading is decoded; it counts when it is stored.
    await drained(server.url, 300_000)
    seconds = (performance.now() - started) / 1_000 - 0.4
  } finally {
    await server.child.stop()
  }
  const ours = messages / seconds
  log(`replayed ${Math.round(ours)} messages/s`)
  const ceiling = await nativeBlocks(server.dir, quick ? 3 : 8)
  return [
    {
      name: 'replay of single readings',
      unit: 'readings/s',
      ours,
      ceiling,
      ...atLeast(ours / ceiling, 0.2),
      details: { messages, seconds },
    },
  ]
}

/** Rows a second of the same table, from blocks as large as the store's own, one after the other. */
async function nativeBlocks(dir: string, rounds: number): Promise<number> {
  const store = await openStore(dir)
  try {
    await store.run('CREATE TABLE bench_blocks AS readings')
    const block = await store.bytes(`SELECT * FROM readings LIMIT ${BLOCK} FORMAT Native`)
    const [{ count }] = (await store.rows<{ count: string }>(
      `SELECT count() AS count FROM (SELECT device_id FROM readings LIMIT ${BLOCK})`,
    )) as [{ count: string }]
    const rates: number[] = []
    for (let round = 0; round < rounds; round++) {
      const started = performance.now()
      // A block that is already there would be dropped by the table's deduplication window.
      await store.insert('INSERT INTO bench_blocks FORMAT Native', block, { insert_deduplicate: '0' })
      rates.push(Number(count) / ((performance.now() - started) / 1_000))
    }
    await store.run('DROP TABLE bench_blocks')
    return median(rates)
  } finally {
    await store.stop()
  }
}

export const replay: Subject = { name: 'replay', title: 'Replay from raw, against ready-made blocks', run }
