/**
 * The CRM database's engines, chosen by the scheme of `HELIO_CRM_URL`. An engine's module is loaded when it is chosen and not
 * before: most processes only read, and none uses two.
 */
import type { CrmDatabase, CrmReader } from '@heliograph/crm-core/contracts'
import type { CrmDatabaseOptions } from '@heliograph/crm-core'

export interface CrmUrl {
  /** `file:` and a path (relative or absolute): SQLite. `mysql:` with an address: MySQL or MariaDB. */
  url: string
}

/** Several processes may write to it; one that is not lies in a file of this machine, for one writing process. */
export const isSharedCrm = (url: string): boolean => url.startsWith('mysql:')

/** Connects on `start`. @throws Error on a scheme that no engine knows */
export async function openCrm({ url, ...options }: CrmUrl & CrmDatabaseOptions): Promise<CrmDatabase> {
  if (isSharedCrm(url)) {
    const { createMysqlCrm } = await import('./mysql.ts')
    return createMysqlCrm({ url, ...options })
  }
  const { createSqliteCrm } = await import('./sqlite.ts')
  return createSqliteCrm({ file: sqliteFile(url), ...options })
}

/** Read-only, light, for processes that own no CRM. */
export async function openCrmReader({ url }: CrmUrl): Promise<CrmReader> {
  if (isSharedCrm(url)) {
    const { openMysqlReader } = await import('./mysql-reader.ts')
    return await openMysqlReader(url)
  }
  const { openSqliteReader } = await import('./sqlite-reader.ts')
  return await openSqliteReader(sqliteFile(url))
}

/** A copy of the database as it is at one moment, while others write. @param target file that must not exist yet */
export async function backupCrm({ url }: CrmUrl, target: string): Promise<void> {
  const { backupSqlite } = await import('./sqlite-connection.ts')
  await backupSqlite(sqliteFile(url), target)
}

/** Path of the database. @throws Error where the CRM is no file of this machine */
export function sqliteFile(url: string): string {
  if (isSharedCrm(url)) throw new Error('the CRM (HELIO_CRM_URL) is on a database server: use its own tools for this')
  const match = /^(?:file|sqlite):(?:\/\/(?=\/))?(.+)$/.exec(url)
  if (match === null)
    throw new Error(`HELIO_CRM_URL "${url.split(':')[0]}:" is no engine of this release; use file:PATH or mysql://…`)
  return match[1]!
}
