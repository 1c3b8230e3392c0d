import type { FastifyInstance } from 'fastify'
import { ProblemError, type TableName } from '@heliograph/crm-core/contracts'
import type { RouteContext } from '../http/api.ts'

/** Tables behind `/api/v1/NAME/:id…`. */
const TABLES: Readonly<Record<string, TableName>> = {
  sites: 'site',
  arrays: 'siteArray',
  devices: 'device',
  connections: 'connection',
  customers: 'customer',
  contacts: 'contact',
  users: 'user',
  'org-units': 'orgUnit',
  roles: 'role',
  'api-keys': 'apiKey',
  alarms: 'alarm',
  tickets: 'ticket',
  unclaimed: 'unclaimed',
  replays: 'replay',
  notifications: 'notification',
  subscriptions: 'subscription',
}

/**
 * Writes down who asked for something that is there and is not theirs to see. Ids cannot be guessed, so this is somebody
 * who was told one; what is nowhere at all is a mistake and leaves no line.
 */
export function registerForeignIds(scope: FastifyInstance, { deps: { db } }: RouteContext): void {
  scope.addHook('onError', async (request, _reply, error) => {
    const { caller } = request
    if (caller === undefined || !(error instanceof ProblemError) || error.code !== 'not_found') return
    const { id } = (request.params ?? {}) as { id?: string }
    const table = TABLES[/^\/api\/v1\/([a-z-]+)\/:id/.exec(request.routeOptions.url ?? '')?.[1] ?? '']
    if (id === undefined || table === undefined) return
    try {
      if ((await db.system.first(table, { id } as never)) === undefined) return
    } catch {
      // The database is what failed, then; that is said elsewhere.
      return
    }
    await db.denied(caller, { action: request.method.toLowerCase(), resource: table, resourceId: id })
  })
}
