/** Which rows are picked after another press. */
export const picksOf = (keys: readonly string[] = []): ReadonlySet<string> => new Set(keys)

/** @param order keys in the order of the list: everything from `last` to `key` follows `key` */
export function toggled(
  picks: ReadonlySet<string>,
  key: string,
  last: string | undefined,
  order?: readonly string[],
): ReadonlySet<string> {
  const next = new Set(picks)
  const add = !next.has(key)
  const [from, to] = [order?.indexOf(last ?? '') ?? -1, order?.indexOf(key) ?? -1]
  const touched = order && from >= 0 && to >= 0 ? order.slice(Math.min(from, to), Math.max(from, to) + 1) : [key]
  for (const each of touched) {
    if (add) next.add(each)
    else next.delete(each)
  }
  return next
}
