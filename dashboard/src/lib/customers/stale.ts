/** Two people changed the same record: what each of them meant, field by field, so that one can choose. */
export interface Difference<Key extends string = string> {
  key: Key
  /** What the person saw, what holds by now, and what the person wants; `undefined`: nothing of it was changed. */
  before: unknown
  theirs: unknown
  yours: unknown
}

/** Fields that the person wants changed, and fields that somebody else changed meanwhile. */
export function differences<T extends object>(
  shown: T,
  wanted: Partial<T>,
  theirs: T,
  fields: readonly (keyof T & string)[],
): Difference<keyof T & string>[] {
  return fields
    .filter((key) => key in wanted || !same(shown[key], theirs[key]))
    .map((key) => ({
      key,
      before: shown[key],
      theirs: theirs[key],
      yours: key in wanted ? (wanted[key] ?? null) : undefined,
    }))
}
/** Values of JSON; the order of keys means nothing. */
export function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, each: unknown) =>
      typeof each === 'object' && each !== null && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
        : each,
    ) ?? ''
  )
}
