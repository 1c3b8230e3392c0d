/** Where services lie: their files by version, which clones may share, and the data of this clone's instances. */
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** Data, logs and pid files of this clone's services. */
export const runFolder = (name: string): string => join(root, '.services', name)

/** Installed files. `HELIOGRAPH_SERVICES_CACHE` puts them where several clones find them. */
export const installedFolder = (name: string, version: string): string =>
  join(resolve(process.env['HELIOGRAPH_SERVICES_CACHE'] ?? join(root, '.services', 'installed')), `${name}-${version}`)
