import type { DecodedReading } from '@heliograph/crm-core/contracts'

/** Last reading per device, in order of use (oldest first): part of a decoder's state. */
export type LastReadings = Record<string, DecodedReading>

/**
 * Joins a reading with the last one of the same device where both tell of the same instant, and remembers the result.
 * Vendors whose answers come in several bodies with one time stamp (common values, phases, power flow) need this: a reading of
 * the same (device, ts) replaces the earlier one, so the later body must carry the earlier one's values too.
 * Where both have a value the later body wins. Keeps at most `limit` devices, dropping the one unused for longest.
 */
export function joinInstant(last: LastReadings, next: DecodedReading, limit = 200): DecodedReading {
  // A device may call itself `__proto__`: not worth remembering, and harmful once assigned.
  if (next.device === '__proto__') return next
  const before = Object.hasOwn(last, next.device) ? last[next.device] : undefined
  const joined = before?.ts === next.ts && before.tsSource === next.tsSource ? join(before, next) : next
  Reflect.deleteProperty(last, next.device)
  last[next.device] = joined
  const devices = Object.keys(last)
  for (const device of devices.slice(0, Math.max(0, devices.length - limit))) Reflect.deleteProperty(last, device)
  return joined
}

function join(before: DecodedReading, next: DecodedReading): DecodedReading {
  const joined: DecodedReading = {
    ...before,
    ...next,
    metrics: { ...before.metrics, ...next.metrics },
    quality: [...new Set([...before.quality, ...next.quality])],
  }
  if (before.extra || next.extra) joined.extra = { ...before.extra, ...next.extra }
  if (before.attributes || next.attributes) joined.attributes = { ...before.attributes, ...next.attributes }
  for (const side of ['dc', 'ac'] as const) {
    const [a, b] = [before[side], next[side]]
    if (!a || !b) continue
    joined[side] = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => ({ ...a[i], ...b[i] }))
  }
  return joined
}
