/** The CRM database's engines, chosen by the scheme of `HELIO_CRM_URL`. */
import type { CrmDatabase, CrmReader } from '@heliograph/crm-core/contracts'
import type { CrmDatabaseOptions } from '@heliograph/crm-core'
import { backupSqlite } from './sqlite-connection.ts'
import { openSqliteReader } from './sqlite-reader.ts'
import { createSqliteCrm } from './sqlite.ts'
import { createMysqlCrm } from './mysql.ts'

export interface CrmUrl {
  /** `file:` and a path (relative or absolute): SQLite. `mysql:` with an address: MySQL or MariaDB. */
  url: string
}

/** Several processes may write to it; one that is not lies in a file of this machine, for one writing process. */
export const isSharedCrm = (url: string): boolean => url.startsWith('mysql:')

/** Connects on `start`. @throws Error on a scheme that no engine knows */
export const openCrm = ({ url, ...options }: CrmUrl & CrmDatabaseOptions): CrmDatabase =>
  isSharedCrm(url) ? createMysqlCrm({ url, ...options }) : createSqliteCrm({ file: sqliteFile(url), ...options })

/** Read-only, light, for processes that own no CRM. */
export async function openCrmReader({ url }: CrmUrl): Promise<CrmReader> {
  if (!isSharedCrm(url)) return await openSqliteReader(sqliteFile(url))
  const { openMysqlReader } = await import('./mysql-reader.ts')
  return await openMysqlReader(url)
}

/** A copy of the database as it is at one moment, while others write. @param target file that must not exist yet */
export const backupCrm = async ({ url }: CrmUrl, target: string): Promise<void> =>
  await backupSqlite(sqliteFile(url), target)

/** Path of the database. @throws Error where the CRM is no file of this machine */
export function sqliteFile(url: string): string {
  if (isSharedCrm(url)) throw new Error('the CRM (HELIO_CRM_URL) is on a database server: use its own tools for this')
  const match = /^(?:file|sqlite):(?:\/\/(?=\/))?(.+)$/.exec(url)
  if (match === null)
    throw new Error(`HELIO_CRM_URL "${url.split(':')[0]}:" is no engine of this release; use file:PATH or mysql://…`)
  return match[1]!
}
