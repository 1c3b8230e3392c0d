/** What `HELIO_WAREHOUSE_URL` says of a ClickHouse server: `clickhouse://user:password@host:8123/database`, `clickhouses://` over TLS. */
import { createClient } from '@clickhouse/client'
import { addressOf, EngineFaultError, whyUnreachable } from '../engine-fault.ts'
import type { ClickhouseWarehouseOptions } from './clickhouse.ts'

const SETTING = 'HELIO_WAREHOUSE_URL'
/** Of its HTTP interface; the native one on 9000 is another. */
const PORTS: Readonly<Record<string, number>> = { 'clickhouse:': 8123, 'clickhouses:': 8443 }
const CHECK_MS = 10_000
/** The oldest whose SQL and table settings are those of the embedded engine; kept alive by its makers, and what the compose file starts. */
const OLDEST = 25.8

/** @throws EngineFaultError where the URL does not say enough */
export function clickhouseOptions(
  text: string,
): ClickhouseWarehouseOptions & { username: string; password: string; database: string } {
  const url = new URL(text)
  if (!url.hostname) throw new EngineFaultError(SETTING, 'write clickhouse://user:password@host:8123/database')
  const [unknown] = url.searchParams.keys()
  if (unknown !== undefined) throw new EngineFaultError(SETTING, `knows no ${unknown}=`)
  const database = decodeURIComponent(url.pathname.replace(/^\/|\/$/g, '')) || 'heliograph'
  if (!/^[a-z_][a-z0-9_]*$/i.test(database))
    throw new EngineFaultError(SETTING, `"${database}" is no name of a database: letters, digits and "_"`)
  return {
    url: `${url.protocol === 'clickhouses:' ? 'https' : 'http'}://${url.hostname}:${url.port || PORTS[url.protocol]!}`,
    username: decodeURIComponent(url.username) || 'default',
    password: decodeURIComponent(url.password),
    database,
  }
}

/** Tries a server before anything is started. @throws EngineFaultError with one line for the operator */
export async function checkClickhouse(text: string): Promise<void> {
  const { url, username, password } = clickhouseOptions(text)
  const given = new URL(text)
  const shown = addressOf(given, PORTS[given.protocol]!)
  const client = createClient({ url, username, password, request_timeout: CHECK_MS, log: { level: 127 } })
  try {
    const result = await client.query({ query: 'SELECT version() AS version', format: 'JSONEachRow' })
    const [row] = await result.json<{ version: string }>()
    const [, major, minor] = /^(\d+)\.(\d+)/.exec(row?.version ?? '') ?? []
    if (major === undefined)
      throw new EngineFaultError(SETTING, `${shown} does not answer as ClickHouse does; are host and port right?`)
    if (Number(major) + Number(minor) / 10 < OLDEST)
      throw new EngineFaultError(SETTING, `${shown} is ClickHouse ${row!.version}; ${OLDEST} is the oldest that serves`)
  } catch (error) {
    if (error instanceof EngineFaultError) throw error
    throw new EngineFaultError(SETTING, explain(error, shown, given.port), { cause: error })
  } finally {
    await client.close()
  }
}

/** Ports of ClickHouse's other interfaces, which answer HTTP with a hint or not at all. */
const NATIVE_PORTS = ['9000', '9440']

function explain(error: unknown, shown: string, port: string): string {
  const { code, message } = error as { code?: string; message: string }
  if (code === '516' || /AUTHENTICATION_FAILED|REQUIRED_PASSWORD/.test(message))
    return `${shown} refuses user name or password`
  if (code === '497') return `${shown}: the user may not do this: ${message.replace(/\s+/g, ' ').slice(0, 150)}`
  if (NATIVE_PORTS.includes(port) && whyUnreachable(error, shown) === undefined)
    return `${shown} is the native interface; name the HTTP one (8123, or 8443 with clickhouses://)`
  if (/Timeout/.test(message)) return `${shown} does not answer in time; are host and port right, and is the way open?`
  return (
    whyUnreachable(error, shown) ??
    `${shown} does not answer as ClickHouse does: ${message.replace(/\s+/g, ' ').slice(0, 150)}`
  )
}
