/** What the URL of a MySQL or MariaDB database says, and what every session of ours is set to. Knows no driver. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { z } from 'zod'
import { addressOf, EngineFaultError } from '../engine-fault.ts'

export const SETTING = 'HELIO_CRM_URL'
const PORT = 3306
export const CONNECT_MS = 5_000
/**
 * Seconds after which the server ends a session that says nothing, and with it its transaction and locks: a process that lost
 * its network must not hold up everybody's writing for the eight hours of the server's own default.
 */
const SILENT_S = 60
/** Seconds a statement waits for a row that somebody else holds. */
const LOCK_WAIT_S = 10

const parameters = z.strictObject({
  tls: z.enum(['required', 'unverified', 'off'], { error: 'tls= is one of required, unverified, off' }).optional(),
  /** File of the authority that signed the server's certificate, where it is a company's own. */
  ca: z.string().min(1).optional(),
})

export interface MysqlAddress {
  host: string
  port: number
  user: string
  password: string
  database: string
  /** Undefined: in clear. Both drivers take it; one of them looks at the name in a certificate only when told to. */
  tls?: { rejectUnauthorized: boolean; verifyIdentity: boolean; servername?: string; ca?: string }
  /** For people. */
  shown: string
}

/** @throws EngineFaultError where the URL does not say enough */
export function mysqlAddress(text: string): MysqlAddress {
  const url = new URL(text)
  const parsed = parameters.safeParse(Object.fromEntries(url.searchParams))
  if (!parsed.success)
    throw new EngineFaultError(
      SETTING,
      parsed.error.issues
        .map((issue) =>
          issue.code === 'unrecognized_keys' ? `knows no ${issue.keys.join(', ')}=; only tls and ca` : issue.message,
        )
        .join('; '),
    )
  const database = decodeURIComponent(url.pathname.slice(1))
  if (!url.hostname || url.username === '' || database === '' || database.includes('/'))
    throw new EngineFaultError(SETTING, 'write mysql://user:password@host:3306/database')
  // A password must not cross a network in clear unless somebody says so.
  const { ca, tls = ca !== undefined || !isLoopback(url.hostname) ? 'required' : 'off' } = parsed.data
  if (tls === 'off' && ca !== undefined) throw new EngineFaultError(SETTING, 'tls=off and ca= do not go together')
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (tls === 'required' && isIP(host) !== 0)
    throw new EngineFaultError(
      SETTING,
      `a certificate is for a host's name, not for ${host}; write the name, or add ?tls=unverified`,
    )
  return {
    host,
    port: Number(url.port) || PORT,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
    ...(tls !== 'off' && {
      tls: {
        rejectUnauthorized: tls === 'required',
        verifyIdentity: tls === 'required',
        ...(isIP(host) === 0 && { servername: host }),
        ...(ca !== undefined && { ca: certificateIn(ca) }),
      },
    }),
    shown: addressOf(url, PORT),
  }
}

/**
 * Said at the beginning of every session, whatever the server's defaults are. Values that do not fit are refused (strict), times
 * are UTC, each statement sees what is committed when it begins.
 */
export const SESSION_SQL: readonly string[] = [
  `SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', wait_timeout = ${SILENT_S}, innodb_lock_wait_timeout = ${LOCK_WAIT_S}`,
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
]

function certificateIn(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new EngineFaultError(SETTING, `ca= cannot be read: ${(error as Error).message}`)
  }
}
const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127\./.test(host)
