/** Rows that a person has picked, by key. */
import { picksOf, toggled } from './picks.ts'

export class Picked {
  #keys = $state.raw(picksOf())
  #last: string | undefined

  get size(): number {
    return this.#keys.size
  }
  has(key: string): boolean {
    return this.#keys.has(key)
  }
  set(keys: readonly string[]): void {
    this.#keys = picksOf(keys)
    this.#last = undefined
  }
  /** @param order keys in the order of the list: everything from the row picked before to this one follows this one */
  toggle(key: string, order?: readonly string[]): void {
    this.#keys = toggled(this.#keys, key, this.#last, order)
    this.#last = key
  }
}
