/**
 * The whole line with its log on Kafka (one broker on the same cores, acknowledged by all copies) against the same line with its embedded
 * log, in one run: the highest rate that each carries, which is when a query finds what was sent within two seconds, also in the end,
 * and nothing is left to do three seconds after the last message was due. Rates are doubled until one is too much, and halved in between. `--set seconds=N` offers each for another time.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { drained, prepareFleet } from '../lib/fleet-setup.ts'
import { offer } from '../lib/open-loop.ts'
import { ROOT, runGenerator } from '../lib/processes.ts'
import { serverSettings, startServer } from '../lib/server.ts'
import { countReadings } from '../lib/store.ts'
import { atLeast, type BenchContext, type Measure, median, type Subject } from '../lib/subject.ts'

const DEVICES = 500
const FIRST_RATE = 2_000
const [FOUND_MS, DONE_MS] = [2_000, 3_000]

interface Line {
  /** Messages per second. */
  carried: number
  sent: number
  acknowledged: number
  /** Distinct (device, ts) among what was sent. */
  rows: number
  stored: number
}

async function run(context: BenchContext): Promise<Measure[]> {
  const kafka = new URL(await runGenerator<string>(join(ROOT, 'infra/bench/address.ts'), ['kafka']))
  kafka.pathname = `/bench-${randomUUID().slice(0, 8)}`
  const embedded = await measure('embedded', {}, context)
  const onKafka = await measure('kafka', { HELIO_LOG_URL: kafka.href }, context)
  const reconciled = (name: string, { sent, acknowledged, rows, stored }: Line): Measure => ({
    name: `${name}: sent = acknowledged = stored`,
    unit: 'rows',
    ours: stored,
    ceiling: rows,
    ratio: stored / rows,
    target: 'exactly 1',
    met: stored === rows && sent === acknowledged,
  })
  return [
    {
      name: 'end to end on Kafka, of the embedded line',
      unit: 'messages/s',
      ours: onKafka.carried,
      ceiling: embedded.carried,
      ...atLeast(onKafka.carried / embedded.carried, 0.2),
    },
    reconciled('embedded', embedded),
    reconciled('on Kafka', onKafka),
  ]
}

async function measure(
  name: string,
  env: Record<string, string>,
  { dir, quick, set, log }: BenchContext,
): Promise<Line> {
  const seconds = Number(set.get('seconds') ?? (quick ? 12 : 30))
  const settings = await serverSettings(join(dir, name))
  const server = await startServer({ ...settings, env: { ...settings.env, ...env } })
  const line: Line = { carried: 0, sent: 0, acknowledged: 0, rows: 0, stored: 0 }
  try {
    const fleet = await prepareFleet(server, 50, DEVICES)
    const carries = async (rate: number): Promise<boolean> => {
      const { report, samples } = await offer(server, fleet, rate, seconds, () => undefined)
      // A query that has to wait itself finds newer readings than were there when it was asked: the lag alone is no proof.
      const sentAt = performance.now()
      await drained(server.url, 300_000)
      const doneMs = (report.seconds - seconds) * 1_000 + performance.now() - sentAt
      line.sent += report.sent
      line.acknowledged += report.acknowledged
      line.rows += report.rows
      const last = samples.slice(-Math.ceil(samples.length / 3))
      const lagMs = median(last.map((each) => each.lagMs))
      log(`${name}: ${Math.round(rate)}/s, found after ${Math.round(lagMs)} ms, done after ${Math.round(doneMs)} ms`)
      return report.notSent === 0 && lagMs <= FOUND_MS && doneMs <= DONE_MS
    }
    let beyond = FIRST_RATE
    for (; await carries(beyond); beyond *= 2) line.carried = beyond
    if (line.carried === 0) throw new Error(`the line (${name}) does not carry ${FIRST_RATE} messages/s`)
    for (let half = 0; half < (quick ? 1 : 3); half++) {
      const middle = Math.sqrt(line.carried * beyond)
      if (await carries(middle)) line.carried = middle
      else beyond = middle
    }
  } finally {
    await server.child.stop()
  }
  line.stored = (await countReadings(server.dir)) - DEVICES
  return line
}

export const kafkaLine: Subject = {
  name: 'kafka-line',
  title: 'The whole line on Kafka, against the embedded one (npm run services -- up kafka)',
  needsServices: true,
  run,
}
