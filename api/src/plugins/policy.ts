import type { FastifyInstance } from 'fastify'
import type { Permission } from '@heliograph/crm-core/contracts'

/**
 * Who may call a route:
 * - `public`: anyone;
 * - `signed-in`: any person or key of the tenant, whatever its role;
 * - `{ permission }`: callers that hold it; what they see is narrowed further by the database layer;
 * - `ingest`: the edge's own credentials, checked in the route.
 */
export type Policy = 'public' | 'signed-in' | 'ingest' | { readonly permission: Permission }

declare module 'fastify' {
  interface FastifyContextConfig {
    policy?: Policy
    /** Name of the route in metrics and rate limits where the URL pattern will not do. */
    label?: string
  }
  interface FastifyInstance {
    routeTable: RouteEntry[]
  }
}
export interface RouteEntry {
  method: string
  url: string
  policy: Policy
}

/** Keeps the table of routes, and refuses to build a server that has a route nobody decided about. */
export function registerPolicies(app: FastifyInstance): void {
  const table: RouteEntry[] = []
  app.decorate('routeTable', table)
  app.addHook('onRoute', (route) => {
    const policy = route.config?.policy
    if (policy === undefined) throw new Error(`route ${String(route.method)} ${route.url} declares no policy`)
    for (const method of [route.method].flat()) table.push({ method, url: route.url, policy })
  })
}
