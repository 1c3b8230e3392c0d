import { localZone } from '#lib/format/times.ts'

/** A site as a form has it, and what the API is told of it. */
export interface SiteFields {
  name: string
  timezone: string
  latitude: string
  longitude: string
  peakKw: string
  /** Empty: where the person who enters it works. */
  orgUnitId: string
}
export const newSite = (): SiteFields => ({
  name: '',
  timezone: localZone(),
  latitude: '',
  longitude: '',
  peakKw: '',
  orgUnitId: '',
})

/** `48,5` and `48.5` are the same number; what is none is sent as it is typed, so that the server says what is wrong. */
function numberOf(text: string): number | string | undefined {
  const plain = text.trim().replace(',', '.')
  if (plain === '') return undefined
  const value = Number(plain)
  return Number.isFinite(value) ? value : text
}

export function siteBody({
  name,
  timezone,
  latitude,
  longitude,
  peakKw,
  orgUnitId,
}: SiteFields): Record<string, unknown> {
  const kw = numberOf(peakKw)
  return Object.fromEntries(
    Object.entries({
      name: name.trim(),
      timezone: timezone.trim(),
      latitude: numberOf(latitude),
      longitude: numberOf(longitude),
      orgUnitId: orgUnitId || undefined,
      peakPowerW: typeof kw === 'number' ? Math.round(kw * 1000) : kw,
    }).filter(([, value]) => value !== undefined),
  )
}
