/** One question over sites, devices, customers and tickets, as far as the caller may see them. */
import type { Caller, Permission, ReadDb, Row, SearchHit, TableName, Where } from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { hasPermission, narrowCaller } from '../rights/callers.ts'

/** More words than people type to find a thing. */
const MAX_WORDS = 6

export function createSearch({ db }: CrmDeps) {
  /**
   * What fits best first: the whole name, then its beginning, then the beginning of a word, then anywhere.
   * Every read walks an index in its order and stops at `limit` rows.
   * @param limit hits of each kind
   */
  return async function search(caller: Caller, text: string, limit: number): Promise<SearchHit[]> {
    const words = text.trim().split(/\s+/).filter(Boolean).slice(0, MAX_WORDS)
    if (words.length === 0) return []
    const as = (permission: Permission): ReadDb | undefined =>
      hasPermission(caller, permission) ? db.as(narrowCaller(caller, permission)) : undefined
    const [sites, devices, customers, tickets] = await Promise.all([
      find(as('site:read'), 'site', ['name'], words, limit),
      find(as('device:read'), 'device', ['serial', 'name'], words, limit),
      find(as('customer:read'), 'customer', ['name'], words, limit),
      findTickets(as('ticket:read'), words, limit),
    ])
    const owners = await namesOf(
      as('customer:read'),
      'customer',
      sites.map(({ customerId }) => customerId),
    )
    const places = await namesOf(
      as('site:read'),
      'site',
      devices.map(({ siteId }) => siteId),
    )
    const rank = (parts: string[]) => Math.min(...parts.map((part) => rankOf(part, text)))
    const hits: { hit: SearchHit; rank: number }[] = [
      ...sites.map(({ id, name, customerId }) => ({
        hit: { kind: 'site' as const, id, title: name, detail: owners.get(customerId) ?? '' },
        rank: rank([name]),
      })),
      ...devices.map(({ id, name, serial, siteId }) => ({
        hit: {
          kind: 'device' as const,
          id,
          title: name,
          detail: [serial, places.get(siteId)].filter(Boolean).join(' · '),
        },
        rank: rank([serial, name]),
      })),
      ...customers.map(({ id, name, email }) => ({
        hit: { kind: 'customer' as const, id, title: name, detail: email ?? '' },
        rank: rank([name]),
      })),
      ...tickets.map(({ id, number, subject, status }) => ({
        hit: { kind: 'ticket' as const, id, title: `#${number} ${subject}`, detail: status },
        rank: rank([subject, String(number), `#${number}`]),
      })),
    ]
    return hits.sort((a, b) => a.rank - b.rank).map(({ hit }) => hit)
  }
}

/** Rows whose column begins with the first word, then those that have all words anywhere in one column. */
async function find<T extends 'site' | 'device' | 'customer'>(
  db: ReadDb | undefined,
  table: T,
  columns: readonly (keyof Row<T> & string)[],
  words: readonly string[],
  limit: number,
): Promise<Row<T>[]> {
  if (db === undefined) return []
  const ask = (column: keyof Row<T> & string, where: unknown) =>
    db.find(table, { where: where as Where<T>, orderBy: [[column, 'asc']], limit })
  const anywhere = (column: string) => ({ AND: words.map((word) => ({ [column]: { contains: word } })) })
  const found = await Promise.all(
    columns.flatMap((column) => [
      ask(column, { AND: [{ [column]: { startsWith: words[0] } }, anywhere(column)] }),
      ask(column, anywhere(column)),
    ]),
  )
  return firsts(found.flat(), limit)
}

/** By number where one is named, and by words of the subject, newest first. */
async function findTickets(db: ReadDb | undefined, words: readonly string[], limit: number): Promise<Row<'ticket'>[]> {
  if (db === undefined) return []
  const number = words.length === 1 ? /^#?(\d{1,9})$/.exec(words[0]!)?.[1] : undefined
  const found = await Promise.all([
    number === undefined ? [] : db.find('ticket', { where: { number: Number(number) }, limit: 1 }),
    db.find('ticket', {
      where: { AND: words.map((word) => ({ subject: { contains: word } })) },
      orderBy: [['number', 'desc']],
      limit,
    }),
  ])
  return firsts(found.flat(), limit)
}

function firsts<R extends { id: string }>(rows: readonly R[], limit: number): R[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()].slice(0, limit * 2)
}

async function namesOf<T extends TableName & ('site' | 'customer')>(
  db: ReadDb | undefined,
  table: T,
  ids: readonly string[],
): Promise<Map<string, string>> {
  if (db === undefined || ids.length === 0) return new Map()
  const rows = await db.find(table, { where: { id: { in: [...new Set(ids)] } } as unknown as Where<T> })
  return new Map(rows.map(({ id, name }) => [id, name]))
}

/** 0 the whole, 1 its beginning, 2 the beginning of a word, 3 anywhere. */
export function rankOf(name: string, text: string): number {
  const [whole, part] = [fold(name), fold(text)]
  if (whole === part) return 0
  if (whole.startsWith(part)) return 1
  return whole.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(part)) ? 2 : 3
}
const fold = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').trim().toLowerCase()
