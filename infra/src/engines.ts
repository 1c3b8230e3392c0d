/**
 * Which engine plays a port, by the scheme of the port's URL setting: one table per port, one entry per engine. An engine's
 * module is loaded when it is chosen and not before, so that reading the settings loads none.
 */
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { FileStore, LiveBus, Log, MailSender, SeriesStore, SmsSender } from '@heliograph/crm-core/contracts'

/** What engines may need beside their URL. */
export interface EngineContext {
  /** Absolute. */
  dataDir: string
  logger: Logger
  /** `HELIO_PUBLIC_URL`: where a provider may report what became of a message. */
  publicUrl: string
}

interface Engine<T> {
  /** It lies in the data directory or in memory, and takes no address. */
  embedded?: true
  /** Makes it; nothing is connected before its `start`. @throws EngineFaultError where the URL does not say enough */
  open(url: URL, context: EngineContext): Promise<T>
  /** Tries the engine once, before anything is started. @throws EngineFaultError with one line for the operator */
  check?(url: URL, context: EngineContext): Promise<void>
}
export interface Port<T> {
  /** The setting that chooses. */
  setting: string
  /** Scheme where nothing is set. */
  standard: string
  engines: Readonly<Record<string, Engine<T>>>
}
const port = <T>(setting: string, standard: string, engines: Port<T>['engines']): Port<T> => ({
  setting,
  standard,
  engines,
})

const redis: Engine<LiveBus> = {
  async open(url, { logger }) {
    const { createRedisLive } = await import('./live/redis.ts')
    return createRedisLive(url, {
      onListenerError: (error) => logger.error({ err: error }, 'live listener'),
      onState: (up, detail) =>
        up
          ? logger.info('live values are shared again')
          : logger.error({ detail }, 'live values are this process’s own'),
    })
  },
  async check(url) {
    const { checkRedis } = await import('./live/redis-connection.ts')
    await checkRedis(url)
  },
}
/** Nobody sends: messages stay in the outbox, where a page shows them. */
const outbox: Engine<undefined> = { embedded: true, open: () => Promise.resolve(undefined) }
const smtp: Engine<MailSender> = {
  async open(url) {
    const { createSmtp } = await import('./messages/smtp.ts')
    return createSmtp(url)
  },
  check: async (url, context) => await tried(await smtp.open(url, context)),
}
const twilio: Engine<SmsSender> = {
  async open(url, { publicUrl }) {
    const { createTwilio } = await import('./messages/twilio.ts')
    return createTwilio(url, { publicUrl })
  },
  check: async (url, context) => await tried(await twilio.open(url, context)),
}
async function tried(sender: MailSender | SmsSender): Promise<void> {
  try {
    await sender.check?.()
  } finally {
    await sender.stop?.()
  }
}

export const PORTS = {
  log: port<Log>('HELIO_LOG_URL', 'lmdb', {
    lmdb: {
      embedded: true,
      async open(_url, { dataDir, logger }) {
        const { createLmdbLog } = await import('./log/lmdb.ts')
        return createLmdbLog({
          dir: join(dataDir, 'log'),
          onCorrupt: (error, topic, partition) =>
            logger.error({ topic, partition, err: error }, 'a damaged part of the log was left out'),
        })
      },
    },
    kafka: {
      async open(url, { logger }) {
        const [{ createKafkaLog }, { kafkaOptions }] = await Promise.all([
          import('./log/kafka.ts'),
          import('./log/kafka-options.ts'),
        ])
        return createKafkaLog(kafkaOptions(url), logger)
      },
      async check(url, { logger }) {
        const { tryKafka } = await import('./log/kafka-faults.ts')
        await tryKafka(url, logger)
      },
    },
  }),
  // Nothing: the warehouse's raw table answers.
  series: port<SeriesStore | undefined>('HELIO_SERIES_URL', 'warehouse', {
    warehouse: { embedded: true, open: () => Promise.resolve(undefined) },
    influx: {
      async open(url) {
        const [{ createInfluxSeries }, { influxOptions }] = await Promise.all([
          import('./series/influx.ts'),
          import('./series/influx-options.ts'),
        ])
        return createInfluxSeries(influxOptions(url))
      },
      async check(url) {
        const { tryInflux } = await import('./series/influx-faults.ts')
        await tryInflux(url)
      },
    },
  }),
  live: port<LiveBus>('HELIO_LIVE_URL', 'memory', {
    memory: {
      embedded: true,
      async open(_url, { logger }) {
        const { createMemoryLive } = await import('./live/memory.ts')
        return createMemoryLive({ onListenerError: (error) => logger.error({ err: error }, 'live listener') })
      },
    },
    redis,
    rediss: redis,
  }),
  files: port<FileStore>('HELIO_FILES_URL', 'folder', {
    folder: {
      embedded: true,
      async open(_url, { dataDir }) {
        const { createFolderFiles } = await import('./files/folder.ts')
        return createFolderFiles({ dir: join(dataDir, 'files') })
      },
    },
    s3: {
      async open(url) {
        const { createS3Files } = await import('./files/s3.ts')
        return createS3Files(url)
      },
      async check(url) {
        const { checkS3 } = await import('./files/s3.ts')
        await checkS3(url)
      },
    },
  }),
  mail: port<MailSender | undefined>('HELIO_MAIL_URL', 'outbox', { outbox, smtp, smtps: smtp }),
  sms: port<SmsSender | undefined>('HELIO_SMS_URL', 'outbox', {
    outbox,
    'twilio+https': twilio,
    // For a gateway on this machine; refused beyond it.
    'twilio+http': twilio,
  }),
} as const

const schemeOf = (url: string): string => url.slice(0, url.indexOf(':'))
const known = ({ engines }: Port<unknown>): string =>
  Object.entries(engines)
    .map(([scheme, { embedded }]) => (embedded ? `${scheme}:` : `${scheme}://`))
    .join(', ')

/** What is wrong with an engine's URL, in one line that repeats nothing secret; undefined for a good one. */
export function engineFault(port: Port<unknown>, url: string): string | undefined {
  const scheme = schemeOf(url)
  if (!URL.canParse(url)) return `is no URL; known engines: ${known(port)}`
  if (!Object.hasOwn(port.engines, scheme)) return `there is no engine "${scheme}:"; known: ${known(port)}`
  if (port.engines[scheme]!.embedded && !/^[a-z]+:(\/\/)?$/.test(url))
    return `"${scheme}:" is embedded and takes no address; write ${scheme}:`
  return undefined
}

/** @param url of the port's setting, checked by the settings */
export async function openEngine<T>(port: Port<T>, url: string, context: EngineContext): Promise<T> {
  return await port.engines[schemeOf(url)]!.open(new URL(url), context)
}

/** It lies in one process or on one machine. */
export const isEmbedded = (port: Port<unknown>, url: string): boolean => port.engines[schemeOf(url)]!.embedded === true

/** Tries the engine of a port once. @throws EngineFaultError with one line for the operator */
export async function checkEngine(port: Port<unknown>, url: string, context: EngineContext): Promise<void> {
  await port.engines[schemeOf(url)]!.check?.(new URL(url), context)
}
