/** The demo's devices: history once through the import, then live over real MQTT and webhooks. */
import mqtt from 'mqtt'
import { connectLocal } from '../cli/client.ts'
import { type HistoryProgress, historyReach, importHistory } from '../demo/history.ts'
import { SiteMeasures } from '../demo/measures.ts'
import { DEMO_SITES } from '../demo/sites.ts'
import { SPEECHES, type Publication, type Said, type Speech } from '../demo/speech/index.ts'
import { type DemoConnection, devicesOf, type DemoState, readDemo, siteOf, writeDemo } from '../demo/state.ts'
import { isWithoutGrid, SILENT_AFTER_MS } from '../demo/troubles.ts'
import { type Link } from '../process/link.ts'
import type { Settings } from '../settings.ts'
import { createLogger } from '../process/logger.ts'

interface SimulatorContext {
  settings: Settings
  link: Link
}
const TELL_AGAIN_MS = 5_000

export async function startSimulator({
  settings,
  link,
}: SimulatorContext): Promise<{ ready: Record<string, unknown>; stop(): Promise<void> }> {
  const logger = createLogger('simulator', settings.logLevel)
  const state = readDemo(settings)
  if (!state) return { ready: {}, stop: async () => {} }
  let stopped = false
  const measures = new Map<number, SiteMeasures>()
  const measuresOf = (site: number): SiteMeasures => {
    const known = measures.get(site) ?? new SiteMeasures(DEMO_SITES[site]!, state.seededAt)
    measures.set(site, known)
    return known
  }
  const sessions = state.connections.map((connection, index) =>
    speak(connection, state, measuresOf(connection.site), settings, logger, index),
  )
  let progress: HistoryProgress | undefined
  const tell = () => progress && link.send('api', 'demo.progress', progress)
  // Said again: the API process may have been started anew since.
  const telling = setInterval(tell, TELL_AGAIN_MS)
  const history = bringHistory(
    settings,
    state,
    () => stopped,
    (now) => {
      progress = now
      tell()
    },
  ).catch((error: unknown) =>
    logger.error({ err: error }, 'the demo’s history was not brought in; the next start goes on with it'),
  )
  return {
    ready: {},
    async stop() {
      stopped = true
      clearInterval(telling)
      await Promise.all(sessions.map((session) => session.stop()))
      await history
    },
  }
}

async function bringHistory(
  settings: Settings,
  state: DemoState,
  stopped: () => boolean,
  tell: (progress: HistoryProgress) => void,
): Promise<void> {
  if (state.historyJob === undefined) return
  const client = await connectLocal()
  try {
    const whole = await importHistory(client, state, {
      reach: historyReach(state.days),
      stopped,
      jobDone: (done) => writeDemo(settings, { ...state, historyJob: done }),
      progress: tell,
    })
    if (!whole) return
    const { historyJob: _done, ...rest } = state
    writeDemo(settings, rest)
  } finally {
    await client.close()
  }
}

interface Session {
  stop(): Promise<void>
}
/** One connection's devices, delivery by delivery. @param index spreads the connections over their interval */
function speak(
  connection: DemoConnection,
  state: DemoState,
  measures: SiteMeasures,
  settings: Settings,
  logger: ReturnType<typeof createLogger>,
  index: number,
): Session {
  const site = siteOf(connection)
  const devices = devicesOf(connection)
  const speech = SPEECHES[devices[0]!.vendor](site, devices)
  const { seededAt } = state
  const carrier =
    speech.transport === 'mqtt'
      ? overMqtt(connection, speech, settings, (error) => logger.warn({ err: error, site: site.name }, 'demo device'))
      : overHttp(connection, settings, (error) => logger.warn({ err: error, site: site.name }, 'demo webhook'))

  function deliver(): void {
    const ts = Date.now()
    if (!carrier.ready() || isWithoutGrid(site, ts, seededAt)) return
    const values = measures.at(ts, true)
    const said = site.devices.flatMap((device, at): Said[] => {
      const measured = values[at]
      if (!measured || device.part !== connection.part) return []
      return device.trouble === 'silent' && ts > seededAt + SILENT_AFTER_MS ? [] : [{ device, measured }]
    })
    for (const publication of speech.say(said, ts)) carrier.send(publication)
  }
  const everyMs = site.everyS * 1_000
  let timer = setTimeout(
    function first() {
      deliver()
      timer = setInterval(deliver, everyMs)
    },
    500 + ((index * 137) % Math.min(everyMs, 5_000)),
  )
  return {
    async stop() {
      clearInterval(timer)
      await carrier.stop()
    },
  }
}

interface Carrier {
  ready(): boolean
  send(publication: Publication): void
  stop(): Promise<void>
}
function overMqtt(
  { username, secret, site, part }: DemoConnection,
  { will, asked }: Speech,
  settings: Settings,
  onError: (error: unknown) => void,
): Carrier {
  const client = mqtt.connect(`mqtt://127.0.0.1:${settings.mqttPort}`, {
    username,
    password: secret,
    clientId: `demo-${site}-${part.replaceAll(' ', '-')}`,
    reconnectPeriod: 2_000,
    // A demo device that is offline measures on and forgets.
    queueQoSZero: false,
    ...(will && { will: { topic: will.topic!, payload: Buffer.from(will.body), qos: 1, retain: false } }),
  })
  client.on('error', onError)
  if (asked) {
    client.on('connect', () => {
      asked.hear()
      client.subscribe(asked.topic, { qos: 1 }, (error) => error && onError(error))
    })
    client.on('message', () => asked.hear())
  }
  return {
    ready: () => client.connected,
    send: ({ topic, body }) =>
      void client.publish(topic!, typeof body === 'string' ? body : Buffer.from(body), { qos: 1 }),
    stop: async () => client.endAsync(true),
  }
}

const POST_LIMIT_MS = 10_000
function overHttp(
  { id, username, secret }: DemoConnection,
  settings: Settings,
  onError: (error: unknown) => void,
): Carrier {
  const url = `http://127.0.0.1:${settings.httpPort}/ingest/v1/webhooks/${id}`
  const authorization = `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}`
  return {
    ready: () => true,
    send({ body }) {
      fetch(url, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : Buffer.from(body),
        signal: AbortSignal.timeout(POST_LIMIT_MS),
      })
        .then(async (answer) => {
          await answer.arrayBuffer()
          if (!answer.ok) onError(new Error(`the webhook was answered with ${answer.status}`))
        })
        .catch(onError)
    },
    stop: async () => {},
  }
}
