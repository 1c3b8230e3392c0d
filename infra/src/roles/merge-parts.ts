import type { PartStatus } from '@heliograph/api'

const BY_TROUBLE: readonly PartStatus['state'][] = ['ok', 'degraded', 'down']

/** What several processes say of their parts as one list: of each part the worst state and all of its lag. */
export function mergeParts(said: readonly { parts: readonly PartStatus[] }[]): PartStatus[] {
  const byName = Map.groupBy(
    said.flatMap(({ parts }) => parts),
    ({ name }) => name,
  )
  return [...byName].map(([name, parts]) => {
    const state = BY_TROUBLE[Math.max(...parts.map((part) => BY_TROUBLE.indexOf(part.state)))]!
    const lag = parts.every((part) => part.lag !== null) ? parts.reduce((sum, part) => sum + part.lag!, 0) : null
    const details = [...new Set(parts.flatMap(({ detail }) => detail ?? []))]
    if (parts.length > 1) details.unshift(`${parts.length} processes`)
    const vital = parts.some((part) => part.vital)
    return { name, state, lag, ...(details.length > 0 && { detail: details.join('; ') }), ...(vital && { vital }) }
  })
}
