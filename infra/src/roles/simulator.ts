/** The demo's devices: history once through the import, then live over real MQTT. */
import mqtt from 'mqtt'
import { connectLocal } from '../cli/client.ts'
import { behavioursOf } from '../demo/behaviour.ts'
import { importHistory } from '../demo/history.ts'
import { publications } from '../demo/publish.ts'
import { type DemoConnection, planOf, readDemo } from '../demo/seed.ts'
import { createLogger } from './context.ts'
import { readSettings } from '../settings.ts'

export async function startSimulator(): Promise<{ ready: Record<string, unknown>; stop(): Promise<void> }> {
  const settings = readSettings()
  const logger = createLogger('simulator', settings.logLevel)
  const state = readDemo(settings)
  if (!state) return { ready: {}, stop: async () => {} }
  let stopped = false
  const client = await connectLocal()
  const history = importHistory(client, settings, state, () => stopped).catch((error: unknown) =>
    logger.error({ err: error }, 'the demo’s history was not brought in; the next start tries again'),
  )
  const sessions = state.connections.map((connection) =>
    publishLive(connection, state.seededAt, settings.mqttPort, logger),
  )
  return {
    ready: {},
    async stop() {
      stopped = true
      await Promise.all(sessions.map((session) => session.stop()))
      await history
      await client.close()
    },
  }
}

/** The silent logger of the demo says a few words first: what was never heard is not missed. */
const SILENT_AFTER_MS = 60_000

function publishLive(
  connection: DemoConnection,
  seededAt: number,
  port: number,
  logger: ReturnType<typeof createLogger>,
): { stop(): Promise<void> } {
  const { site, devices } = planOf(connection)
  const vendor = connection.part === 'meter' ? 'shelly' : site.vendor
  const behaviours = behavioursOf(site, devices, seededAt)
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    username: connection.username,
    password: connection.secret,
    clientId: `demo-${connection.site}-${connection.part}`,
    reconnectPeriod: 2_000,
    // A demo device that is offline measures on and forgets.
    queueQoSZero: false,
  })
  client.on('error', (error) => logger.warn({ err: error, site: site.name }, 'demo device'))
  const timer = setInterval(() => {
    if (!client.connected) return
    for (const { topic, payload } of publications(site, vendor, behaviours, Date.now(), seededAt + SILENT_AFTER_MS))
      client.publish(topic, payload, { qos: 1 })
  }, site.everyS * 1_000)
  return {
    async stop() {
      clearInterval(timer)
      await client.endAsync(true)
    },
  }
}
