/** Rows that a person has picked: the selection of a list, and what is done with it. */
import { picksOf, toggled } from './picks.ts'
import type { Selection } from './table.ts'

interface Options<Row, Pickable extends Row> {
  /** Those that can be picked, in the order of the list. */
  rows: () => readonly Pickable[]
  key: (row: Row) => string
  label: (row: Row) => string
}

export class Picked<Row, Pickable extends Row = Row> implements Selection<Row> {
  #keys = $state.raw(picksOf())
  #last: string | undefined
  readonly #options: Options<Row, Pickable>
  /** Of what the list shows. */
  readonly rows = $derived.by(() => this.#options.rows().filter((row) => this.has(row)))

  constructor(options: Options<Row, Pickable>) {
    this.#options = options
  }

  /** Whether any is picked, shown or not. */
  get some(): boolean {
    return this.#keys.size > 0
  }
  get all(): boolean | 'some' {
    return this.rows.length === 0 ? false : this.rows.length === this.#options.rows().length ? true : 'some'
  }
  has = (row: Row): boolean => this.#keys.has(this.#options.key(row))
  label = (row: Row): string => this.#options.label(row)
  toggle = (row: Row, range: boolean): void => {
    const key = this.#options.key(row)
    this.#keys = toggled(this.#keys, key, this.#last, range ? this.#options.rows().map(this.#options.key) : undefined)
    this.#last = key
  }
  toggleAll = (): void => {
    this.#keys = picksOf(this.all === true ? [] : this.#options.rows().map(this.#options.key))
    this.#last = undefined
  }
  clear = (): void => {
    this.#keys = picksOf()
    this.#last = undefined
  }
}
