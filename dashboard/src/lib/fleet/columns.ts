/** Columns of the fleet list: which there are, which are shown, and what each says in an export. */
import type { Column } from '#lib/components/table.ts'
import { FLEET_KEYS, type FleetKey, type FleetRow } from './rows.ts'

export const COLUMNS: Readonly<Record<FleetKey, Column<FleetKey>>> = {
  name: { key: 'name', title: 'Site', width: 'minmax(12rem, 2fr)', sortable: true },
  status: { key: 'status', title: 'Status', width: '8.5rem', sortable: true },
  power: { key: 'power', title: 'Power now', width: '11rem', align: 'end', sortable: true },
  energy: { key: 'energy', title: 'Energy today', width: '12rem', align: 'end', sortable: true },
  loss: { key: 'loss', title: 'Loss today', width: '7.8rem', align: 'end', sortable: true },
  alarms: { key: 'alarms', title: 'Alarms', width: '5.2rem', align: 'end', sortable: true },
  tickets: { key: 'tickets', title: 'Tickets', width: '5.2rem', align: 'end', sortable: true },
  seen: { key: 'seen', title: 'Last seen', width: '7rem', align: 'end', sortable: true },
  connection: { key: 'connection', title: 'Connection', width: 'minmax(8rem, 1fr)', sortable: true },
  customer: { key: 'customer', title: 'Customer', width: 'minmax(9rem, 1.3fr)', sortable: true },
  tags: { key: 'tags', title: 'Tags', width: 'minmax(7rem, 1fr)', sortable: true },
}
const USUAL: readonly FleetKey[] = FLEET_KEYS.filter((key) => key !== 'connection')

/** Columns of an address; the name always stands first. */
export function readColumns(text: string | null): FleetKey[] {
  if (text === null || text === '') return [...USUAL]
  const asked = text.split(',')
  return FLEET_KEYS.filter((key) => key === 'name' || asked.includes(key))
}
/** Text for the address; undefined where it is what is usual. */
export function columnsText(keys: readonly FleetKey[]): string | undefined {
  const shown = FLEET_KEYS.filter((key) => keys.includes(key))
  return shown.join() === USUAL.join() ? undefined : shown.join()
}

/** Head and cells of an export: numbers unscaled with their unit in the head; what is not known stays empty. */
export function csvOf(
  rows: readonly FleetRow[],
  keys: readonly FleetKey[],
  statusWord: (row: FleetRow) => string,
): { head: string[]; rows: (string | number)[][] } {
  const parts: Readonly<
    Record<FleetKey, { head: string[]; cells: (row: FleetRow) => (string | number | undefined)[] }>
  > = {
    name: { head: ['Site'], cells: (row) => [row.site.name] },
    status: { head: ['Status'], cells: (row) => [statusWord(row)] },
    power: {
      head: ['Power now (W)', 'Expected power (W)'],
      cells: ({ live }) => [live?.acPowerW, live?.expectedPowerW],
    },
    energy: {
      head: ['Energy today (Wh)', 'Expected today (Wh)'],
      cells: ({ live }) => [live?.energyTodayWh, live?.expectedTodayWh],
    },
    loss: { head: ['Loss today (Wh)'], cells: ({ live }) => [live?.lossTodayWh] },
    alarms: { head: ['Open alarms'], cells: ({ live }) => [live?.openAlarms] },
    tickets: { head: ['Open tickets'], cells: ({ tickets }) => [tickets] },
    seen: {
      head: ['Last seen (UTC)'],
      cells: ({ live }) => [live?.lastSeenAt === undefined ? undefined : new Date(live.lastSeenAt).toISOString()],
    },
    connection: { head: ['Connection'], cells: ({ connection }) => [connection] },
    customer: { head: ['Customer'], cells: ({ customer }) => [customer] },
    tags: { head: ['Tags'], cells: ({ site }) => [site.tags.join('; ')] },
  }
  return {
    head: keys.flatMap((key) => parts[key].head),
    rows: rows.map((row) => keys.flatMap((key) => parts[key].cells(row).map((cell) => cell ?? ''))),
  }
}
