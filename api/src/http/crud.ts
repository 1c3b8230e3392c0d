import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify'
import { z } from 'zod'
import {
  listOf,
  type Caller,
  type Page,
  type Permission,
  type ReadDb,
  type Row,
  type TableName,
  type Where,
  type WriteOptions,
} from '@heliograph/crm-core/contracts'
import { dbOf, narrowedCaller } from '../plugins/caller.ts'
import { idParams, listQuery, type Api, type RouteContext } from './api.ts'
import { sendEtag, writeOptions } from './etag.ts'
import { readSealedPage } from './page.ts'

type Identified = { id: string; version: number }

export interface CrudOptions<
  T extends TableName,
  Resource extends z.ZodType,
  Create extends z.ZodType,
  Update extends z.ZodType,
> {
  /** Plural, as in the path. */
  path: string
  /** What one is called, for the docs. */
  noun: string
  table: T
  read: Permission
  write: Permission
  resource: Resource
  /** Turns rows into the answer; several at once, so that what they refer to is read once. */
  present(rows: Row<T>[], db: ReadDb, request: FastifyRequest): Promise<z.output<Resource>[]>
  /** Turns one row into the fuller answer of `GET /{id}`. */
  one?(row: Row<T>, db: ReadDb): Promise<z.output<Resource>>
  list: {
    filters?: z.ZodRawShape
    /** First: the default. Columns, `-` for descending. */
    sorts: readonly [string, ...string[]]
    where?(query: Record<string, unknown>): Where<T>
    /** Columns that `q` looks into. */
    search?: readonly (keyof Row<T> & string)[]
    /** Conditions that take a look elsewhere first, and what no column knows. */
    narrow?(query: Record<string, unknown>, db: ReadDb): Promise<Narrowed<T>>
  }
  create?: { body: Create; run(caller: Caller, body: z.output<Create>): Promise<Row<T>> }
  update?: {
    body: Update
    /** Where changing takes another right than making and removing. */
    permission?: Permission
    run(caller: Caller, id: string, body: z.output<Update>, options: WriteOptions): Promise<Row<T>>
  }
  remove?: { run(caller: Caller, id: string, options: WriteOptions): Promise<unknown>; summary?: string }
}

export interface Narrowed<T extends TableName> {
  where: Where<T>
  /** Rows to show, where a condition is on something that lies in no column (the live state). */
  keep?: (row: Row<T>) => boolean
}
/** Rows read at most to fill one page of a filtered list; the page may then be short and still have a next one. */
const MAX_SCANNED = 10_000

/** The five routes of an ordinary resource: list, read, make, change, remove. */
export function crudRoutes<
  T extends TableName,
  Resource extends z.ZodType,
  Create extends z.ZodType = z.ZodNever,
  Update extends z.ZodType = z.ZodNever,
>(typed: Api, context: RouteContext, options: CrudOptions<T, Resource, Create, Update>): void {
  // Types that depend on this function's own parameters cannot be followed through the route's; the schemas still rule.
  const api = typed as unknown as FastifyInstance
  const { db: crm } = context.deps
  const { path, noun, table, read, write, resource } = options
  const tags = [path]
  const present = async (row: Row<T>, db: ReadDb, request: FastifyRequest) =>
    (await options.present([row], db, request))[0]!

  api.get(
    `/${path}`,
    {
      config: { policy: { permission: read } },
      schema: {
        tags,
        summary: `List ${path}`,
        querystring: listQuery(options.list.filters ?? {}, options.list.sorts),
        response: { 200: listOf(resource) },
      },
    },
    async (request): Promise<unknown> => {
      const db = dbOf(request, crm)
      const query = request.query as ListQuery
      const page = await readPage(context, options, query, db)
      return { items: await options.present(page.items, db, request), nextCursor: page.nextCursor }
    },
  )
  api.get(
    `/${path}/:id`,
    {
      config: { policy: { permission: read } },
      schema: { tags, summary: `Read one ${noun}`, params: idParams, response: { 200: resource } } as FastifySchema,
    },
    async (request, reply): Promise<unknown> => {
      const db = dbOf(request, crm)
      const row = await db.get(table, idOf(request))
      sendEtag(reply, (row as unknown as Identified).version)
      return options.one ? await options.one(row, db) : await present(row, db, request)
    },
  )
  const { create, update, remove } = options
  if (create) {
    api.post(
      `/${path}`,
      {
        config: { policy: { permission: write } },
        schema: { tags, summary: `Make a ${noun}`, body: create.body, response: { 201: resource } } as FastifySchema,
      },
      async (request, reply): Promise<unknown> => {
        const caller = narrowedCaller(request)
        const row = await create.run(caller, request.body as z.output<Create>)
        const { id, version } = row as unknown as Identified
        sendEtag(reply, version)
        void reply.code(201).header('location', `/api/v1/${path}/${id}`)
        return await present(row, crm.as(caller), request)
      },
    )
  }
  if (update) {
    api.patch(
      `/${path}/:id`,
      {
        config: { policy: { permission: update.permission ?? write } },
        schema: {
          tags,
          summary: `Change a ${noun}`,
          params: idParams,
          body: update.body,
          response: { 200: resource },
        } as FastifySchema,
      },
      async (request, reply): Promise<unknown> => {
        const caller = narrowedCaller(request)
        const row = await update.run(caller, idOf(request), request.body as z.output<Update>, writeOptions(request))
        sendEtag(reply, (row as unknown as Identified).version)
        return await present(row, crm.as(caller), request)
      },
    )
  }
  if (remove) {
    api.delete(
      `/${path}/:id`,
      {
        config: { policy: { permission: write } },
        schema: {
          tags,
          summary: remove.summary ?? `Remove a ${noun}`,
          params: idParams,
          response: { 204: z.null() },
        },
      },
      async (request, reply): Promise<unknown> => {
        await remove.run(narrowedCaller(request), idOf(request), writeOptions(request))
        return reply.code(204).send(null)
      },
    )
  }
}

type ListQuery = Record<string, unknown> & { limit: number; cursor?: string; q?: string; sort: string }

async function readPage<T extends TableName>(
  context: RouteContext,
  { table, list }: Pick<CrudOptions<T, z.ZodType, z.ZodType, z.ZodType>, 'table' | 'list'>,
  query: ListQuery,
  db: ReadDb,
): Promise<Page<Row<T>>> {
  const narrowed = await list.narrow?.(query, db)
  const asked = listWhere({ list }, query)
  const where = narrowed === undefined ? asked : ({ AND: [asked, narrowed.where] } as Where<T>)
  const read = (cursor: string | undefined, limit: number) =>
    readSealedPage(context, db, table, { cursor, limit, sort: query.sort }, where)
  const keep = narrowed?.keep
  if (keep === undefined) return await read(query.cursor, query.limit)

  const items: Row<T>[] = []
  let cursor = query.cursor
  for (let scanned = 0; ;) {
    const page = await read(cursor, query.limit)
    scanned += page.items.length
    const kept = page.items.filter(keep)
    const room = query.limit - items.length
    if (kept.length > room) {
      // Read again up to the last one that fits: its cursor is the one to go on from.
      const upTo = page.items.indexOf(kept[room - 1]!) + 1
      const part = await read(cursor, upTo)
      return { items: [...items, ...part.items.filter(keep)].slice(0, query.limit), nextCursor: part.nextCursor }
    }
    items.push(...kept)
    if (page.nextCursor === null || items.length >= query.limit || scanned >= MAX_SCANNED) {
      return { items, nextCursor: page.nextCursor }
    }
    cursor = page.nextCursor
  }
}

function listWhere<T extends TableName>(
  { list }: Pick<CrudOptions<T, z.ZodType, z.ZodType, z.ZodType>, 'list'>,
  query: Record<string, unknown> & { q?: string },
): Where<T> {
  const where = list.where?.(query) ?? ({} as Where<T>)
  if (query.q === undefined || query.q === '' || list.search === undefined) return where
  const ways = list.search.map((column) => ({ [column]: { contains: query.q } }) as Where<T>)
  return { AND: [where, { OR: ways } as Where<T>] } as Where<T>
}

const idOf = (request: FastifyRequest): string => (request.params as { id: string }).id

/** Presents rows one by one, where a row says everything. */
export const all =
  <R, O>(present: (row: R) => O) =>
  (rows: R[]): Promise<O[]> =>
    Promise.resolve(rows.map((row) => present(row)))

/** Equality with those of the named parameters that were given. */
export function given<T extends TableName>(
  query: Record<string, unknown>,
  names: readonly (keyof Row<T> & string)[],
): Where<T> {
  const where: Record<string, unknown> = {}
  for (const name of names) if (query[name] !== undefined) where[name] = query[name]
  return where as Where<T>
}
