import type { FastifyInstance } from 'fastify'
import { z } from 'zod'

/**
 * Routes that describe no query or body take none: a parameter nobody reads is a mistake of the caller's that it should
 * hear of.
 */
export function refuseUnknown(scope: FastifyInstance): void {
  scope.addHook('onRoute', (route) => {
    const schema = { ...route.schema }
    if (schema.hide === true) return
    schema.querystring ??= z.strictObject({})
    if (route.method === 'POST' || route.method === 'PUT' || route.method === 'PATCH') {
      schema.body ??= z.strictObject({}).nullish()
    }
    route.schema = schema
  })
}
