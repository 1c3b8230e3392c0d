/** The tree of units as a list that can be read from top to bottom. */
export interface Unit {
  id: string
  parentId: string | null
  name: string
}
export interface TreeUnit extends Unit {
  depth: number
}

/** Parents before their children, by name. A unit whose parent may not be seen stands at the top; a circle ends. */
export function flatTree(units: readonly Unit[]): TreeUnit[] {
  const ids = new Set(units.map(({ id }) => id))
  const children = Map.groupBy(units, ({ parentId }) => (parentId !== null && ids.has(parentId) ? parentId : ''))
  const out: TreeUnit[] = []
  const seen = new Set<string>()
  const walk = (parent: string, depth: number): void => {
    for (const unit of [...(children.get(parent) ?? [])].sort((a, b) => a.name.localeCompare(b.name))) {
      if (seen.has(unit.id)) continue
      seen.add(unit.id)
      out.push({ ...unit, depth })
      walk(unit.id, depth + 1)
    }
  }
  walk('', 0)
  return out
}

/** A unit and all below it. */
export function unitsUnder(units: readonly Unit[], id: string): Set<string> {
  const under = new Set([id])
  for (let grown = true; grown;) {
    grown = false
    for (const unit of units)
      if (unit.parentId !== null && under.has(unit.parentId) && !under.has(unit.id)) {
        under.add(unit.id)
        grown = true
      }
  }
  return under
}

/** The tree as choices of a list that knows no levels: no-break spaces stand for them. */
export const unitOptions = (tree: readonly TreeUnit[]): { value: string; label: string }[] =>
  tree.map(({ id, name, depth }) => ({ value: id, label: `${'\u00a0'.repeat(3 * depth)}${name}` }))
