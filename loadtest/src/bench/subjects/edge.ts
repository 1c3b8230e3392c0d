/**
 * The MQTT edge alone against bare aedes: same generator, runs in turn, both shapes of load. Ours authenticates, checks
 * topics, stamps, and acknowledges after fdatasync; aedes keeps nothing.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PublisherOptions, PublisherResult } from '../children/publisher.ts'
import { type Child, cpuSeconds, runGenerator, startChild } from '../lib/processes.ts'
import { BIN, createMqttConnection, serverSettings, startServer } from '../lib/server.ts'
import { atLeast, type BenchContext, type Measure, median, type Subject } from '../lib/subject.ts'

const PUBLISHER = fileURLToPath(new URL('../children/publisher.ts', import.meta.url))
const BARE = fileURLToPath(new URL('../children/bare-aedes.ts', import.meta.url))

const SHAPES = [
  { connections: 100, window: 20, least: 0.6 },
  { connections: 1_000, window: 1, least: 0.75 },
]

async function run({ dir, quick, log }: BenchContext): Promise<Measure[]> {
  const settings = await serverSettings(join(dir, 'edge'))
  // The whole server makes the connection; then the edge runs alone on its data directory.
  const server = await startServer(settings)
  const { username, secret } = await createMqttConnection(server.api)
  await server.child.stop()

  const ours = await startChild(join(BIN, 'edge.ts'), { env: settings.env })
  const bare = await startChild(BARE)
  const rounds = quick ? 2 : 9
  /** CPU microseconds a message, generator not counted: steadier than the rate where other programs share the cores. */
  const cost = async (child: Child, publish: () => Promise<PublisherResult>): Promise<[PublisherResult, number]> => {
    const before = cpuSeconds(child.process.pid!)
    const result = await publish()
    return [result, ((cpuSeconds(child.process.pid!) - before) * 1e6) / result.sent]
  }
  const measures: Measure[] = []
  let totals = { sent: 0, acknowledged: 0 }
  let number = 0
  try {
    for (const { connections, window, least } of SHAPES) {
      const rates: { ours: number[]; bare: number[] } = { ours: [], bare: [] }
      const costs: { ours: number[]; bare: number[] } = { ours: [], bare: [] }
      let latency: PublisherResult['latency'] | undefined
      const publish = (port: number): Promise<PublisherResult> => {
        const options: PublisherOptions = {
          host: '127.0.0.1',
          port,
          username,
          password: secret,
          connections,
          window,
          warmupMs: 1_000,
          measureMs: quick ? 2_000 : 4_000,
          run: number++,
        }
        return runGenerator<PublisherResult>(PUBLISHER, [JSON.stringify(options)])
      }
      for (let round = 0; round < rounds; round++) {
        const [ceiling, bareCost] = await cost(bare, () => publish(bare.ready.port as number))
        const [result, ourCost] = await cost(ours, () => publish(settings.mqttPort))
        costs.bare.push(bareCost)
        costs.ours.push(ourCost)
        rates.bare.push(ceiling.perSecond)
        rates.ours.push(result.perSecond)
        latency = result.latency
        totals = { sent: totals.sent + result.sent, acknowledged: totals.acknowledged + result.acknowledged }
        log(`${connections} x ${window}: ours ${format(result.perSecond)}/s, bare aedes ${format(ceiling.perSecond)}/s`)
      }
      const ratios = rates.ours.map((rate, index) => rate / rates.bare[index]!)
      measures.push({
        name: `durable QoS 1, ${connections} connections x ${window} in flight`,
        unit: 'messages/s',
        ours: median(rates.ours),
        ceiling: median(rates.bare),
        ...atLeast(median(ratios), least),
        details: { ratios, latency, cpuMicrosecondsPerMessage: { ours: median(costs.ours), bare: median(costs.bare) } },
      })
    }
  } finally {
    await bare.kill()
    await ours.stop()
  }
  // What the log holds is counted by the server that opens it: decoded, unclaimed, all of it was received.
  measures.push({
    name: 'sent = acknowledged',
    unit: 'messages',
    ours: totals.acknowledged,
    ceiling: totals.sent,
    ratio: totals.acknowledged / totals.sent,
    target: 'exactly 1',
    met: totals.acknowledged === totals.sent,
  })
  return measures
}
const format = (rate: number): string => Math.round(rate).toLocaleString('en')

export const edge: Subject = { name: 'edge', title: 'MQTT edge alone, durable, against bare aedes', run }
