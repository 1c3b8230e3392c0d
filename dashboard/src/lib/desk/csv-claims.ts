/** A list of devices and where they belong, as a spreadsheet gives it: read, checked row by row, and claimed only as the person has seen it. */
import {
  DEVICE_KINDS,
  DEVICE_ROLES,
  type DeviceKind,
  type DeviceRole,
  type Site,
  type Unclaimed,
} from '@heliograph/crm-core/contracts'

/** Rows and bytes of one list; a larger one is split by who has it. */
export const MOST_ROWS = 2000
export const MOST_BYTES = 1024 * 1024
export const COLUMNS = ['serial', 'site', 'name', 'kind', 'role'] as const
type ColumnName = (typeof COLUMNS)[number]

/** RFC 4180, with comma, semicolon or tab as people's spreadsheets write them. Quotes may hold separators and line breaks. */
export function parseCsv(text: string): string[][] {
  const plain = text.replace(/^\ufeff/, '')
  const separator = separatorOf(plain)
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < plain.length; at++) {
    const char = plain[at]!
    if (quoted) {
      if (char !== '"') cell += char
      else if (plain[at + 1] === '"') {
        cell += '"'
        at++
      } else quoted = false
    } else if (char === '"' && cell === '') quoted = true
    else if (char === separator) {
      row.push(cell)
      cell = ''
    } else if (char === '\n' || char === '\r') {
      if (char === '\r' && plain[at + 1] === '\n') at++
      row.push(cell)
      rows.push(row)
      row = []
      cell = ''
    } else cell += char
  }
  if (cell !== '' || row.length > 0) rows.push([...row, cell])
  return rows.filter((each) => each.some((value) => value.trim() !== ''))
}
/** The one that the first line has most of, outside quotes. */
function separatorOf(text: string): string {
  const head = (/^[^\r\n]*/.exec(text)?.[0] ?? '').replaceAll(/"[^"]*"/g, '')
  return [';', '\t', ','].reduce((best, one) => (head.split(one).length > head.split(best).length ? one : best), ',')
}

export interface ClaimRow {
  /** Line of the file, the head being the first. */
  line: number
  serial: string
  site: string
  /** What will be done. Absent: `problem` says why nothing can be. */
  claim?: { unclaimedId: string; siteId: string; siteName: string; name?: string; kind?: DeviceKind; role?: DeviceRole }
  problem?: string
}
export interface ReadList {
  rows: ClaimRow[]
  /** The list as a whole cannot be used. */
  problem?: string
}

/** A spreadsheet puts an apostrophe before text that it must not compute with; the text itself has none. */
const plainCell = (value: string): string => value.trim().replace(/^'(?=[=+\-@])/, '')
const fold = (text: string): string => text.trim().toLowerCase()

export function readClaims(
  text: string,
  unclaimed: readonly Pick<Unclaimed, 'id' | 'serial' | 'externalId'>[],
  sites: readonly Pick<Site, 'id' | 'name'>[],
): ReadList {
  const [head, ...lines] = parseCsv(text)
  if (!head) return { rows: [], problem: 'The file is empty.' }
  const places = new Map<ColumnName, number>()
  for (const [index, title] of head.entries()) {
    const name = COLUMNS.find((column) => column === fold(title))
    if (name !== undefined && !places.has(name)) places.set(name, index)
  }
  if (!places.has('serial') || !places.has('site'))
    return { rows: [], problem: 'The first line must name the columns; "serial" and "site" are needed.' }
  if (lines.length > MOST_ROWS)
    return { rows: [], problem: `At most ${String(MOST_ROWS)} rows at once; this has ${String(lines.length)}.` }

  const bySerial = groups(
    unclaimed.flatMap((item) =>
      [...new Set([item.serial, item.externalId])].flatMap((key) => (key ? [[fold(key), item] as const] : [])),
    ),
  )
  const bySite = groups(sites.flatMap((site) => [[fold(site.name), site] as const, [site.id, site] as const]))
  const taken = new Set<string>()
  return {
    rows: lines.map((cells, index): ClaimRow => {
      const get = (name: ColumnName) => plainCell(cells[places.get(name) ?? -1] ?? '')
      const row = { line: index + 2, serial: get('serial'), site: get('site') }
      const found = bySerial.get(fold(row.serial)) ?? []
      const places_ = bySite.get(row.site) ?? bySite.get(fold(row.site)) ?? []
      const kind = fold(get('kind'))
      const role = fold(get('role'))
      const name = get('name')
      const problem =
        row.serial === ''
          ? 'No serial number'
          : found.length === 0
            ? 'No unclaimed device has this serial number'
            : found.length > 1
              ? 'Several unclaimed devices have this serial number; claim them one by one'
              : taken.has(found[0]!.id)
                ? 'The same device stands in an earlier line'
                : row.site === ''
                  ? 'No site'
                  : places_.length === 0
                    ? 'No site has this name or id'
                    : places_.length > 1
                      ? 'Several sites have this name; use the id'
                      : kind !== '' && !isOneOf(DEVICE_KINDS, kind)
                        ? `"${kind}" is no kind: ${DEVICE_KINDS.join(', ')}`
                        : role !== '' && !isOneOf(DEVICE_ROLES, role)
                          ? `"${role}" is no role: ${DEVICE_ROLES.join(', ')}`
                          : name.length > 200
                            ? 'The name is longer than 200 characters'
                            : undefined
      if (problem !== undefined) return { ...row, problem }
      taken.add(found[0]!.id)
      const site = places_[0]!
      return {
        ...row,
        claim: {
          unclaimedId: found[0]!.id,
          siteId: site.id,
          siteName: site.name,
          ...(name === '' ? {} : { name }),
          ...(isOneOf(DEVICE_KINDS, kind) ? { kind } : {}),
          ...(isOneOf(DEVICE_ROLES, role) ? { role } : {}),
        },
      }
    }),
  }
}

function groups<T>(entries: readonly (readonly [string, T])[]): Map<string, T[]> {
  const out = new Map<string, T[]>()
  for (const [key, value] of entries) {
    const list = out.get(key)
    if (list === undefined) out.set(key, [value])
    else if (!list.includes(value)) list.push(value)
  }
  return out
}
function isOneOf<T extends string>(words: readonly T[], word: string): word is T {
  return (words as readonly string[]).includes(word)
}
