import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idSchema, listQuerySchema } from '@heliograph/crm-core/contracts'
import type { ApiConfig, ApiDeps, ApiLimits } from '../deps.ts'
import type { RawAppender } from '../ingest/append.ts'
import type { CursorCodec } from './cursor.ts'

/** A server whose routes take their types from their zod schemas. */
export type Api = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>

/** What routes stand on. */
export interface RouteContext {
  deps: ApiDeps
  config: ApiConfig
  limits: ApiLimits
  cursors: CursorCodec
  /** The way into the raw log. */
  appender: RawAppender
  /** UTC milliseconds. */
  now: () => number
  publicOrigin: string
  https: boolean
}
/** One resource: one file that adds its routes under `/api/v1`. */
export type RouteModule = (api: Api, context: RouteContext) => void

export const idParams = z.strictObject({ id: idSchema })

/** The query of a list: the common parameters, the list's own filters, and the orders it offers (first: default). */
export function listQuery<F extends z.ZodRawShape, S extends readonly [string, ...string[]]>(filters: F, sorts: S) {
  return listQuerySchema.extend({ ...filters, sort: z.enum(sorts).default(sorts[0] as never) })
}
/** `a` ascending, `-a` descending. */
export const orderOf = <C extends string>(sort: string): readonly [C, 'asc' | 'desc'] =>
  sort.startsWith('-') ? [sort.slice(1) as C, 'desc'] : [sort as C, 'asc']

export const flagSchema = z.enum(['true', 'false']).transform((text) => text === 'true')
