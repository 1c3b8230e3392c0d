/** Which rows go together: the blocks of an insert, and the inserts of several blocks. */
import type { RowBlock } from '@heliograph/crm-core/contracts'

/** Rows of one block. Larger batches gain nothing and cost memory on both sides. */
const MAX_BLOCK_ROWS = 100_000
/** The engine refuses blocks that touch more than a hundred partitions. */
const MAX_BLOCK_MONTHS = 64

export interface Split {
  rows: readonly object[]
  months: ReadonlySet<number>
}
/**
 * Blocks of bounded size that touch a bounded number of months. The same rows always give the same blocks. What needs several goes
 * month by month: each month of a block is a part of its own, and parts are merged again and again until they are large.
 */
export function splitBlocks(rows: readonly object[]): Split[] {
  if (rows.length === 0) return []
  const byMonth = Map.groupBy(rows, (row) => {
    const { ts, received_at: receivedAt } = row as { ts?: unknown; received_at?: unknown }
    const at = ts ?? receivedAt
    const date = new Date(typeof at === 'number' || typeof at === 'string' ? at : 0)
    return date.getUTCFullYear() * 12 + date.getUTCMonth()
  })
  if (rows.length <= MAX_BLOCK_ROWS && byMonth.size <= MAX_BLOCK_MONTHS)
    return [{ rows, months: new Set(byMonth.keys()) }]
  const blocks: { rows: object[]; months: Set<number> }[] = []
  for (const month of [...byMonth.keys()].sort((a, b) => a - b)) {
    const some = byMonth.get(month)!
    for (let at = 0; at < some.length;) {
      let block = blocks.at(-1)
      if (!block || block.rows.length === MAX_BLOCK_ROWS || block.months.size === MAX_BLOCK_MONTHS) {
        block = { rows: [], months: new Set() }
        blocks.push(block)
      }
      const piece = some.slice(at, at + MAX_BLOCK_ROWS - block.rows.length)
      // One by one: a hundred thousand arguments of one call would be too many.
      for (const row of piece) block.rows.push(row)
      block.months.add(month)
      at += piece.length
    }
  }
  return blocks
}

/** Blocks that one insert can take: of the same columns, of bounded size, of a bounded number of months. */
export function together(blocks: readonly RowBlock[]): RowBlock[][] {
  const inserts: { columns: string; rows: number; months: Set<number>; blocks: RowBlock[] }[] = []
  for (const block of blocks) {
    const columns = block.columns.join()
    const last = inserts.findLast((insert) => insert.columns === columns)
    const months = new Set([...(last?.months ?? []), ...block.months])
    if (last && last.rows + block.rows <= MAX_BLOCK_ROWS && months.size <= MAX_BLOCK_MONTHS) {
      last.rows += block.rows
      last.months = months
      last.blocks.push(block)
    } else inserts.push({ columns, rows: block.rows, months: new Set(block.months), blocks: [block] })
  }
  return inserts.map((insert) => insert.blocks)
}
