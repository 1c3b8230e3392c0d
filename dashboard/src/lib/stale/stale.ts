/** Two people changed the same record: what each of them meant, field by field, so that one can choose. */
export interface Clash {
  label: string
  /** What the person saw, what holds by now, and what the person wants; `undefined`: not touched by the person. */
  shown: string
  theirs: string
  yours: string | undefined
}

/**
 * Fields that the person wants changed, and fields that somebody else changed meanwhile.
 * @param names what the fields are called; others are not compared
 * @param say how a value is read; `undefined`: as any other is
 */
export function clashesOf<T extends object>(
  shown: T,
  wanted: Partial<T>,
  theirs: T,
  names: Readonly<Partial<Record<keyof T & string, string>>>,
  say: (key: keyof T & string, value: unknown) => string | undefined = () => undefined,
): Clash[] {
  return (Object.keys(names) as (keyof T & string)[])
    .filter((key) => key in wanted || !same(shown[key], theirs[key]))
    .map((key) => {
      const told = (value: unknown) => say(key, value) ?? plain(value)
      return {
        label: names[key] ?? key,
        shown: told(shown[key]),
        theirs: told(theirs[key]),
        yours: key in wanted ? told(wanted[key]) : undefined,
      }
    })
}

/** What of a draft differs from what the person began with. */
export function touched<T extends object>(began: T, draft: Partial<T>): Partial<T> {
  return Object.fromEntries(
    (Object.keys(draft) as (keyof T)[]).filter((key) => !same(draft[key], began[key])).map((key) => [key, draft[key]]),
  ) as Partial<T>
}

function plain(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'nothing'
  if (typeof value === 'object') return Object.values(value).filter(Boolean).join(', ') || 'nothing'
  return typeof value === 'string' ? value : JSON.stringify(value)
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
