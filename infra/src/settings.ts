/** Settings: read once from the environment and `.env`, checked, printed redacted. Names are those of the contract. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { z } from 'zod'
// Alone: the supervisor reads the settings too, and is to stay small.
import { DEFAULT_BROKER_HOSTS, parseBrokerHosts } from '@heliograph/crm-core/broker-hosts'
import { engineFault, type Port, PORTS } from './engines.ts'

const port = z.coerce.number().int().min(0).max(65_535)
const optionalPort = port.optional()
const file = z.string().min(1).optional()
const url = (...schemes: string[]) =>
  z.url().refine((text) => schemes.some((scheme) => text.startsWith(`${scheme}:`)), {
    error: `must begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  })
/** Chosen by scheme among the port's engines. */
const engineUrl = (port: Port<unknown>) =>
  z
    .string()
    .default(`${port.standard}:`)
    .superRefine((text, context) => {
      const message = engineFault(port, text)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })

function hostsFault(text: string, context: z.RefinementCtx): void {
  try {
    parseBrokerHosts(text)
  } catch (error) {
    context.addIssue({
      code: 'custom',
      message: `${(error as Error).message}; it takes public, private, loopback, names, addresses and networks, with commas between`,
    })
  }
}

const DEFAULT_SECRET = 'heliograph-development-secret'
const DEFAULT_DEMO_PASSWORD = 'heliograph-demo'

const schema = z
  .strictObject({
    HELIO_HTTP_HOST: z.string().min(1).default('127.0.0.1'),
    HELIO_HTTP_PORT: port.default(8080),
    HELIO_MQTT_HOST: z.string().min(1).default('127.0.0.1'),
    HELIO_MQTT_PORT: port.default(1883),
    HELIO_MQTTS_PORT: optionalPort,
    HELIO_TLS_CERT: file,
    HELIO_TLS_KEY: file,
    HELIO_DATA_DIR: z.string().min(1).default('./data'),
    HELIO_DEMO: z.enum(['on', 'off']).default('on'),
    HELIO_DEMO_PASSWORD: z.string().min(10).default(DEFAULT_DEMO_PASSWORD),
    HELIO_DEMO_DAYS: z.coerce.number().int().min(1).max(400).default(400),
    HELIO_ENV: z.enum(['development', 'production']).default('development'),
    HELIO_ADMIN_EMAIL: z.email().optional(),
    HELIO_ADMIN_PASSWORD: z.string().min(10).optional(),
    HELIO_PUBLIC_URL: url('http', 'https').optional(),
    HELIO_SECRET: z.string().min(16).default(DEFAULT_SECRET),
    HELIO_TRUST_PROXY: z.string().min(1).optional(),
    HELIO_METRICS_TOKEN: z.string().min(16).optional(),
    HELIO_WAREHOUSE_URL: url('chdb', 'clickhouse', 'clickhouses').optional(),
    HELIO_LOG_URL: engineUrl(PORTS.log),
    HELIO_SERIES_URL: engineUrl(PORTS.series),
    HELIO_CRM_URL: url('file', 'sqlite', 'mysql').optional(),
    HELIO_LIVE_URL: engineUrl(PORTS.live),
    HELIO_FILES_URL: engineUrl(PORTS.files),
    HELIO_MAIL_URL: engineUrl(PORTS.mail),
    HELIO_SMS_URL: engineUrl(PORTS.sms),
    HELIO_BROKER_HOSTS: z.string().default(DEFAULT_BROKER_HOSTS).superRefine(hostsFault),
    HELIO_MAP_STYLE_URL: url('http', 'https').optional(),
    HELIO_WEATHER_URL: url('http', 'https').optional(),
    HELIO_TRACES_URL: url('http', 'https').optional(),
    HELIO_TRACES_ONE_IN: z.coerce.number().int().min(1).max(1e9).default(1_000),
    HELIO_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    HELIO_LOG_MAX_BYTES: z.coerce.number().int().min(1e6).optional(),
    HELIO_RAW_RETENTION_DAYS: z.coerce.number().min(0.01).max(3_650).default(30),
    // Read by the command line tool alone; here so that sharing one .env is no error.
    HELIO_URL: url('http', 'https').optional(),
    HELIO_API_KEY: z.string().min(1).optional(),
  })
  .superRefine((settings, context) => {
    const complain = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (settings.HELIO_ENV === 'production') {
      if (settings.HELIO_SECRET === DEFAULT_SECRET) complain('HELIO_SECRET', 'production needs a secret of its own')
      if (settings.HELIO_DEMO === 'on' && settings.HELIO_DEMO_PASSWORD === DEFAULT_DEMO_PASSWORD)
        complain('HELIO_DEMO_PASSWORD', 'production refuses the demo password; set another or HELIO_DEMO=off')
    }
    if (settings.HELIO_MQTTS_PORT !== undefined && !(settings.HELIO_TLS_CERT && settings.HELIO_TLS_KEY))
      complain('HELIO_MQTTS_PORT', 'needs HELIO_TLS_CERT and HELIO_TLS_KEY')
    if (Boolean(settings.HELIO_ADMIN_EMAIL) !== Boolean(settings.HELIO_ADMIN_PASSWORD))
      complain('HELIO_ADMIN_EMAIL', 'HELIO_ADMIN_EMAIL and HELIO_ADMIN_PASSWORD go together')
  })

type Parsed = z.infer<typeof schema>
export interface Settings {
  httpHost: string
  httpPort: number
  mqttHost: string
  mqttPort: number
  mqttsPort?: number
  tlsCert?: string
  tlsKey?: string
  /** Absolute. */
  dataDir: string
  demo: boolean
  demoPassword: string
  /** Days of the past that the demo begins with. */
  demoDays: number
  production: boolean
  adminEmail?: string
  adminPassword?: string
  publicUrl: string
  secret: string
  trustProxy?: string
  metricsToken?: string
  crmUrl: string
  /** Of a ClickHouse server; absent: the embedded engine, in a child process. */
  warehouseUrl?: string
  /** Engines, by the scheme of these. They may hold a password. */
  engineUrls: { log: string; series: string; live: string; files: string; mail: string; sms: string }
  /** Which hosts a tenant's broker may be at, as it is written. */
  brokerHosts: string
  mapStyleUrl?: string
  /** Forecast resource of a weather service; absent: nobody is asked. */
  weatherUrl?: string
  /** Where traces go (OTLP over HTTP), and of how many messages one is traced; absent: none is. */
  traces?: { url: string; oneIn: number }
  logLevel: Parsed['HELIO_LOG_LEVEL']
  /** Absent: four fifths of the disk's free space at start. */
  logMaxBytes?: number
  rawRetentionDays: number
}

export class SettingsError extends Error {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.name = 'SettingsError'
    this.problems = problems
  }
}

/** Engine URLs may hold a password. */
const SECRET_NAMES = /SECRET|PASSWORD|TOKEN|API_KEY|HELIO_(LOG|SERIES|LIVE|MAIL|SMS|FILES|WAREHOUSE|CRM)_URL/

/** @throws SettingsError with one clear line per bad or unknown setting */
export function readSettings(environment: Record<string, string | undefined> = withDotEnv(process.env)): Settings {
  const own = Object.fromEntries(
    Object.entries(environment).filter(
      ([name, value]) => name.startsWith('HELIO_') && value !== undefined && value !== '',
    ),
  )
  const result = schema.safeParse(own)
  if (!result.success) throw new SettingsError(result.error.issues.flatMap((issue) => explain(issue, own)))
  const parsed = result.data
  const dataDir = resolve(parsed.HELIO_DATA_DIR)
  return {
    httpHost: parsed.HELIO_HTTP_HOST,
    httpPort: parsed.HELIO_HTTP_PORT,
    mqttHost: parsed.HELIO_MQTT_HOST,
    mqttPort: parsed.HELIO_MQTT_PORT,
    mqttsPort: parsed.HELIO_MQTTS_PORT,
    tlsCert: parsed.HELIO_TLS_CERT,
    tlsKey: parsed.HELIO_TLS_KEY,
    dataDir,
    demo: parsed.HELIO_DEMO === 'on',
    demoPassword: parsed.HELIO_DEMO_PASSWORD,
    demoDays: parsed.HELIO_DEMO_DAYS,
    production: parsed.HELIO_ENV === 'production',
    adminEmail: parsed.HELIO_ADMIN_EMAIL,
    adminPassword: parsed.HELIO_ADMIN_PASSWORD,
    publicUrl: parsed.HELIO_PUBLIC_URL ?? `http://${parsed.HELIO_HTTP_HOST}:${parsed.HELIO_HTTP_PORT}`,
    secret: parsed.HELIO_SECRET,
    trustProxy: parsed.HELIO_TRUST_PROXY,
    metricsToken: parsed.HELIO_METRICS_TOKEN,
    crmUrl: parsed.HELIO_CRM_URL ?? `file:${dataDir}/crm.sqlite`,
    ...(parsed.HELIO_WAREHOUSE_URL?.startsWith('clickhouse') && { warehouseUrl: parsed.HELIO_WAREHOUSE_URL }),
    engineUrls: {
      log: parsed.HELIO_LOG_URL,
      series: parsed.HELIO_SERIES_URL,
      live: parsed.HELIO_LIVE_URL,
      files: parsed.HELIO_FILES_URL,
      mail: parsed.HELIO_MAIL_URL,
      sms: parsed.HELIO_SMS_URL,
    },
    brokerHosts: parsed.HELIO_BROKER_HOSTS,
    mapStyleUrl: parsed.HELIO_MAP_STYLE_URL,
    weatherUrl: parsed.HELIO_WEATHER_URL,
    ...(parsed.HELIO_TRACES_URL && { traces: { url: parsed.HELIO_TRACES_URL, oneIn: parsed.HELIO_TRACES_ONE_IN } }),
    logLevel: parsed.HELIO_LOG_LEVEL,
    logMaxBytes: parsed.HELIO_LOG_MAX_BYTES,
    rawRetentionDays: parsed.HELIO_RAW_RETENTION_DAYS,
  }
}

function explain(issue: z.core.$ZodIssue, given: Record<string, string | undefined>): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((name) => `${name}: there is no setting of this name${suggest(name)}`)
  const name = String(issue.path[0])
  const value = SECRET_NAMES.test(name) ? '' : ` (is "${given[name] ?? ''}")`
  return [`${name}: ${issue.message}${value}`]
}

const NEAR = 3
/** The known name that differs in the fewest letters, where it is close. */
function suggest(name: string): string {
  const known = Object.keys(schema.shape).map((each) => ({ each, distance: distance(each, name) }))
  const nearest = known.reduce((best, next) => (next.distance < best.distance ? next : best))
  return nearest.distance <= NEAR ? `; did you mean ${nearest.each}?` : ''
}
/** Letters to add, drop or change (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}

/** The environment, with what `.env` of the working directory adds. */
export function withDotEnv(environment: NodeJS.ProcessEnv): Record<string, string | undefined> {
  return existsSync('.env') ? { ...parseEnv(readFileSync('.env', 'utf8')), ...environment } : environment
}

/** Settings for the log line at start: what is secret is not there, of an engine's URL only its scheme. */
export function redacted(settings: Settings): Record<string, unknown> {
  const { engineUrls, crmUrl, warehouseUrl, ...rest } = settings
  return {
    ...Object.fromEntries(
      Object.entries(rest)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [name, /secret|password|token/i.test(name) ? '[set]' : value]),
    ),
    crmUrl: /^(file|sqlite):/.test(crmUrl) ? crmUrl : schemeOf(crmUrl),
    warehouseUrl: schemeOf(warehouseUrl ?? 'chdb:'),
    engines: Object.fromEntries(Object.entries(engineUrls).map(([name, url]) => [name, schemeOf(url)])),
  }
}

const schemeOf = (url: string): string => url.replace(/:.*$/s, ':')
