/**
 * Readings as rows of the warehouse. One row that the table cannot take must not hold back the others: it is found by
 * halving, and kept as a dead letter.
 */
import { readingRow } from '@heliograph/crm-core'
import {
  encodeRecord,
  type LogProducer,
  type Reading,
  type RowBlock,
  type Warehouse,
  WarehouseError,
} from '@heliograph/crm-core/contracts'
import { refusedLetter } from '../refused-letter.ts'

export interface StoreRowsDeps {
  warehouse: Pick<Warehouse, 'encode' | 'insert'>
  deadLetters: LogProducer
  refused?(): void
}
/** A failure that trying again does not mend. */
export const isRefusal = (error: unknown): error is WarehouseError =>
  error instanceof WarehouseError && error.code === 'warehouse_rejected'

export class StoreRows {
  readonly #deps: StoreRowsDeps

  constructor(deps: StoreRowsDeps) {
    this.#deps = deps
  }

  /** @returns those that are in the blocks */
  async encode<R extends Reading>(readings: R[], blocks: RowBlock[]): Promise<R[]> {
    if (readings.length === 0) return []
    try {
      blocks.push(...this.#deps.warehouse.encode('readings', readings.map(readingRow)))
      return readings
    } catch (error) {
      if (!isRefusal(error)) throw error
      return await this.#halved(readings, error, (some) => this.encode(some, blocks))
    }
  }
  /**
   * Inserts what only the engine refused, by halves.
   * @returns those that are stored
   */
  async insertApart<R extends Reading>(readings: R[], error: WarehouseError): Promise<R[]> {
    const insert = async (some: R[]): Promise<R[]> => {
      try {
        await this.#deps.warehouse.insert('readings', some.map(readingRow))
        return some
      } catch (again) {
        if (!isRefusal(again)) throw again
        return await this.#halved(some, again, insert)
      }
    }
    return await this.#halved(readings, error, insert)
  }

  async #halved<R extends Reading>(
    readings: R[],
    error: WarehouseError,
    take: (some: R[]) => Promise<R[]>,
  ): Promise<R[]> {
    if (readings.length > 1) {
      const middle = readings.length >> 1
      return [...(await take(readings.slice(0, middle))), ...(await take(readings.slice(middle)))]
    }
    for (const reading of readings) await this.#refuse(reading, error)
    return []
  }
  async #refuse(reading: Reading, error: WarehouseError): Promise<void> {
    const letter = refusedLetter(reading, 'store', error.message)
    await this.#deps.deadLetters.append([{ key: letter.connectionId, value: encodeRecord(letter) }])
    this.#deps.refused?.()
  }
}
