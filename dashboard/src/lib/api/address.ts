export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>

const BASE = '/api/v1'

/** `/sites` plus `{limit: 50, q: 'a b'}` gives `/api/v1/sites?limit=50&q=a+b`; absent and empty values are left out. */
export function address(path: string, query: Query = {}): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '') continue
    if (Array.isArray(value)) for (const part of value as readonly string[]) params.append(name, part)
    else params.append(name, String(value as string | number | boolean))
  }
  const text = params.toString()
  return `${BASE}${path}${text === '' ? '' : `?${text}`}`
}
