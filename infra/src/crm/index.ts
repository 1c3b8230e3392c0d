/** The CRM database's engines, chosen by the scheme of `HELIO_CRM_URL`. */
import type { CrmDatabase, CrmReader } from '@heliograph/crm-core/contracts'
import type { CrmDatabaseOptions } from '@heliograph/crm-core'
import { backupSqlite } from './sqlite-connection.ts'
import { openSqliteReader } from './sqlite-reader.ts'
import { createSqliteCrm } from './sqlite.ts'

export interface CrmUrl {
  /** `file:` and a path (relative or absolute): SQLite. */
  url: string
}

/** Connects on `start`. @throws Error on a scheme that no engine knows */
export const openCrm = ({ url, ...options }: CrmUrl & CrmDatabaseOptions): CrmDatabase =>
  createSqliteCrm({ file: sqliteFile(url), ...options })

/** Read-only, light, for processes that own no CRM. */
export const openCrmReader = async ({ url }: CrmUrl): Promise<CrmReader> => await openSqliteReader(sqliteFile(url))

/** A copy of the database as it is at one moment, while others write. @param target file that must not exist yet */
export const backupCrm = async ({ url }: CrmUrl, target: string): Promise<void> =>
  await backupSqlite(sqliteFile(url), target)

/** Path of the database. @throws Error on a scheme that no engine knows */
export function sqliteFile(url: string): string {
  const match = /^(?:file|sqlite):(?:\/\/(?=\/))?(.+)$/.exec(url)
  if (match === null)
    throw new Error(`HELIO_CRM_URL "${url.split(':')[0]}:" is no engine of this release; use file:PATH`)
  return match[1]!
}
