/** The fleet list in groups: each headed by its name and sums, in the order of its worst member. */
import { counted, figureText } from '#lib/format/numbers.ts'
import type { FleetRow } from './rows.ts'
import { sumFleet } from './totals.ts'

export const GROUPINGS = ['unit', 'customer', 'vendor', 'status'] as const
export type Grouping = (typeof GROUPINGS)[number]

export interface GroupRow {
  group: string
  /** How many sites, and sums of what is known, in words. */
  told: string
}
export type ListRow = FleetRow | GroupRow
export const isGroupRow = (row: ListRow): row is GroupRow => 'group' in row
export const rowKey = (row: ListRow): string => (isGroupRow(row) ? `group ${row.group}` : row.id)

/** @param statusWord how the status of a row is called */
export function grouped(
  rows: readonly FleetRow[],
  by: Grouping | undefined,
  statusWord: (row: FleetRow) => string,
  locale: string,
): readonly ListRow[] {
  if (by === undefined) return rows
  const name = (row: FleetRow): string =>
    by === 'unit'
      ? row.unit
      : by === 'customer'
        ? row.customer
        : by === 'status'
          ? statusWord(row)
          : (row.equipment?.vendors[0] ?? '')
  const groups = Map.groupBy(rows, name)
  return [...groups].flatMap(([group, members]): ListRow[] => {
    const sums = sumFleet(members.flatMap(({ live }) => (live ? [live] : [])))
    const told = [
      sums.powerW === undefined ? '' : figureText(sums.powerW, 'W', locale),
      sums.energyTodayWh === undefined ? '' : `${figureText(sums.energyTodayWh, 'Wh', locale)} today`,
      !sums.lossTodayWh ? '' : `${figureText(sums.lossTodayWh, 'Wh', locale)} lost`,
      sums.openAlarms ? counted(sums.openAlarms, 'alarm', locale) : '',
    ]
    return [
      {
        group: group || 'None',
        told: [counted(members.length, 'site', locale), ...told.filter(Boolean)].join(' · '),
      },
      ...members,
    ]
  })
}
