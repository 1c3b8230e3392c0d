/** What an error of MySQL, MariaDB or their driver means for who has to try again. */
import type { Trouble } from './prisma-engine.ts'

/** Code of a pool's refusal, which has none of its own. */
export const POOL_FULL = 'POOL_FULL'
/** Deadlock, lock wait time-out, a record that changed since it was read: the same work may pass at once. */
const BUSY = new Set([1205, 1213, 1020])
/** The session is gone: killed, shut down, silent for too long, unreachable. */
const LOST = new Set([1053, 1077, 1152, 1153, 1158, 1159, 1160, 1161, 1927, 2002, 2003, 2006, 2013, 3169, 4031])
/** Nothing is wrong with the request: too many sessions, read-only, disk or table full, took too long. */
const UNAVAILABLE = new Set([
  1021, 1030, 1037, 1038, 1040, 1041, 1114, 1203, 1226, 1290, 1792, 1836, 1044, 1045, 1049, 1969, 3024,
])
const LOST_CODES = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ER_SOCKET_UNEXPECTED_CLOSE',
  'PROTOCOL_CONNECTION_LOST',
])
/** A statement that was not answered in time, and more waiting than a pool takes. */
const UNAVAILABLE_CODES = new Set(['PROTOCOL_SEQUENCE_TIMEOUT', POOL_FULL])

/** Undefined: not this server's. Looks through what Prisma wraps errors in. */
export function mysqlTrouble(error: unknown): Trouble | undefined {
  for (const { code, number } of causesOf(error)) {
    if (BUSY.has(number)) return 'busy'
    // The driver's own: connection closed, time-outs of socket and pool (https://github.com/mariadb-corporation/mariadb-connector-nodejs).
    if (LOST.has(number) || (number >= 45_000 && number < 46_000) || LOST_CODES.has(code)) return 'lost'
    if (UNAVAILABLE.has(number) || UNAVAILABLE_CODES.has(code)) return 'unavailable'
  }
  return undefined
}

function* causesOf(error: unknown): Generator<{ code: string; number: number }> {
  const seen = new Set<unknown>()
  const waiting: unknown[] = [error]
  while (waiting.length > 0 && seen.size < 20) {
    const each = waiting.shift()
    if (typeof each !== 'object' || each === null || seen.has(each)) continue
    seen.add(each)
    const { code, errno, originalCode, cause, meta } = each as Record<string, unknown>
    yield {
      code: typeof code === 'string' ? code : '',
      number: Math.abs(Number(originalCode ?? (typeof errno === 'number' ? errno : code))) || 0,
    }
    waiting.push(cause, meta, (each as { driverAdapterError?: unknown }).driverAdapterError)
  }
}
