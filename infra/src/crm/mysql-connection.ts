/** Connections to MySQL 8+ and MariaDB 10.11+, and what is wrong where one fails. */
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2/promise'
import { EngineFaultError, whyUnreachable } from '../engine-fault.ts'
import { CONNECT_MS, mysqlAddress, type MysqlAddress, SESSION_SQL, SETTING } from './mysql-address.ts'

export const mysqlOptions = (address: MysqlAddress): ConnectionOptions => ({
  host: address.host,
  port: address.port,
  user: address.user,
  password: address.password,
  database: address.database,
  ...(address.tls && { ssl: address.tls }),
  connectTimeout: CONNECT_MS,
  charset: 'utf8mb4',
  timezone: 'Z',
  supportBigNumbers: true,
  // One server knows JSON and the other keeps it as text: we get text from both.
  jsonStrings: true,
})

/** A connection for a few statements, set up as every session is. */
export async function openMysql(address: MysqlAddress): Promise<Connection> {
  const connection = await createConnection(mysqlOptions(address))
  try {
    for (const sql of SESSION_SQL) await connection.query(sql)
    return connection
  } catch (error) {
    connection.destroy()
    throw error
  }
}

interface Version {
  isMariaDb: boolean
  text: string
  /** 8.4 is 8.004. */
  number: number
}
export async function versionOf(connection: Connection): Promise<Version> {
  const [rows] = await connection.query('SELECT VERSION() AS version')
  const text = (rows as { version: string }[])[0]!.version
  const [, major, minor] = /^(?:5\.5\.5-)?(\d+)\.(\d+)/.exec(text) ?? []
  return { isMariaDb: /mariadb/i.test(text), text, number: Number(major) + Number(minor) / 1_000 }
}
const OLDEST = { mysql: 8, mariadb: 10.011 }

/** Tries a database before anything is started. @throws EngineFaultError with one line for the operator */
export async function checkMysql(url: string): Promise<void> {
  const address = mysqlAddress(url)
  let connection: Connection | undefined
  try {
    connection = await openMysql(address)
    const version = await versionOf(connection)
    if (version.number < OLDEST[version.isMariaDb ? 'mariadb' : 'mysql'])
      throw new EngineFaultError(
        SETTING,
        `${address.shown} is ${version.text}; MySQL 8 or MariaDB 10.11 is the oldest that serves`,
      )
    const [rows] = await connection.query('SELECT @@GLOBAL.read_only AS readOnly')
    if (Number((rows as { readOnly: unknown }[])[0]!.readOnly) === 1 && !(await mayWrite(connection)))
      throw new EngineFaultError(
        SETTING,
        `${address.shown} takes no writes (read_only): is it a replica? Name the one that writes`,
      )
  } catch (error) {
    if (error instanceof EngineFaultError) throw error
    throw new EngineFaultError(SETTING, explain(error, address), { cause: error })
  } finally {
    connection?.destroy()
  }
}

/** Some accounts write in spite of `read_only`: asked by doing it, in a table that is gone with the session. */
async function mayWrite(connection: Connection): Promise<boolean> {
  try {
    await connection.query('UPDATE `_writer` SET `id` = `id`')
    return true
  } catch {
    return false
  }
}

function explain(error: unknown, { shown, database, user, tls }: MysqlAddress): string {
  const { code, message } = error as { code?: string; message: string }
  switch (code) {
    case 'ER_ACCESS_DENIED_ERROR':
    case 'ER_ACCESS_DENIED_NO_PASSWORD_ERROR':
      return `${shown} refuses user name or password`
    case 'ER_BAD_DB_ERROR':
      return `${shown} has no database "${database}": CREATE DATABASE \`${database}\` CHARACTER SET utf8mb4`
    case 'ER_DBACCESS_DENIED_ERROR':
      return `"${user}" may not use database "${database}" on ${shown}, or there is none: GRANT ALL ON \`${database}\`.*`
    case 'ER_HOST_NOT_PRIVILEGED':
    case 'ER_HOST_IS_BLOCKED':
      return `${shown} takes no connections from this machine`
    case 'ER_CON_COUNT_ERROR':
      return `${shown} has no connection left (max_connections)`
    case 'ER_TOO_MANY_USER_CONNECTIONS':
    case 'ER_USER_LIMIT_REACHED':
      return `${shown} gives "${user}" no more connections (max_user_connections); an instance uses up to 20`
    case 'HANDSHAKE_NO_SSL_SUPPORT':
      return `${shown} offers no TLS; add ?tls=off where the way to it is safe`
    case 'ER_SECURE_TRANSPORT_REQUIRED':
      return `${shown} asks for TLS; add ?tls=required, or ?tls=unverified with a certificate that nobody signed`
    case undefined:
      break
  }
  const way = whyUnreachable(error, shown)
  if (way !== undefined)
    return tls?.rejectUnauthorized && /certificate/.test(way) ? `${way}, or add ?tls=unverified` : way
  return `${shown}: ${message.replace(/\s+/g, ' ').slice(0, 200)}`
}
