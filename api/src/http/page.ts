import type { OrderBy, Page, ReadDb, Row, TableName, Where } from '@heliograph/crm-core/contracts'
import { z } from 'zod'
import { orderOf, type RouteContext } from './api.ts'

export interface PageAsk {
  limit: number
  cursor?: string | undefined
  /** A column, `-` for descending. */
  sort: string
}

/**
 * One page of a table. The database's cursors are positions; sealed here for this list and order, they are opaque and good
 * for nothing else.
 * @throws ProblemError `invalid_cursor`
 */
export async function readSealedPage<T extends TableName>(
  { cursors }: Pick<RouteContext, 'cursors'>,
  db: ReadDb,
  table: T,
  ask: PageAsk,
  where: Where<T>,
): Promise<Page<Row<T>>> {
  const list = `${table} ${ask.sort}`
  const page = await db.page(table, {
    where,
    orderBy: [orderOf(ask.sort)] as OrderBy<T>,
    limit: ask.limit,
    ...(ask.cursor === undefined ? {} : { cursor: z.string().parse(cursors.open(list, ask.cursor)) }),
  })
  return { items: page.items, nextCursor: page.nextCursor === null ? null : cursors.seal(list, page.nextCursor) }
}
