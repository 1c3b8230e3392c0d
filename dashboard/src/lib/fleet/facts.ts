/** What stands at the sites and what is asked about them, as the API tells it for a whole fleet at once. */
export interface FleetFacts {
  names: string[]
  sites: Record<string, { vendors: number[]; models: number[]; firmwares: number[]; connections: number[] }>
  openTickets: Record<string, number>
}
export interface SiteEquipment {
  vendors: readonly string[]
  models: readonly string[]
  firmwares: readonly string[]
  connections: readonly string[]
}

export function equipmentOf(facts: FleetFacts): Map<string, SiteEquipment> {
  const named = (numbers: readonly number[]) =>
    numbers.map((number) => facts.names[number]).filter((name) => name !== undefined)
  return new Map(
    Object.entries(facts.sites).map(([id, { vendors, models, firmwares, connections }]) => [
      id,
      {
        vendors: named(vendors),
        models: named(models),
        firmwares: named(firmwares),
        connections: named(connections),
      },
    ]),
  )
}

/** Every value there is of one kind, with how many sites have it, most common first. */
export function choices(lists: Iterable<readonly string[]>): { value: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const list of lists) for (const value of list) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || a.value.localeCompare(b.value))
}
