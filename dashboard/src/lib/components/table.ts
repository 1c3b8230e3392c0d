export interface Column<Key extends string = string> {
  key: Key
  title: string
  /** Grid track: `minmax(12rem, 2fr)`. */
  width: string
  align?: 'start' | 'end'
  sortable?: boolean
}
export interface Sort<Key extends string = string> {
  key: Key
  down: boolean
}

/** Rows that are picked, and how picking changes. */
export interface Selection<Row> {
  has: (row: Row) => boolean
  /** @param range from the row picked before to this one */
  toggle: (row: Row, range: boolean) => void
  all: boolean | 'some'
  toggleAll: () => void
  /** What a row is called. */
  label: (row: Row) => string
}

/** `-power` in an address is the power column, largest first. */
export function parseSort<Key extends string>(
  text: string | null,
  keys: readonly Key[],
  otherwise: Sort<Key>,
): Sort<Key> {
  const name = text?.replace(/^-/, '') ?? ''
  const key = keys.find((candidate) => candidate === name)
  return key === undefined ? otherwise : { key, down: text?.startsWith('-') ?? false }
}
export function sortText(sort: Sort): string {
  return `${sort.down ? '-' : ''}${sort.key}`
}

/** Sum of the least widths of all columns, in rem: below it the table scrolls sideways. */
export function leastWidth(columns: readonly Pick<Column, 'width'>[]): number {
  return columns.reduce((sum, { width }) => sum + Number.parseFloat(/[\d.]+(?=rem)/.exec(width)?.[0] ?? '0'), 0)
}
