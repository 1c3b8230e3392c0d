/** What is put on a map, moving or still: single sites and groups of them, with the words they are read as. */
import { siteMark, sitesMark } from '#lib/components/marks.ts'
import { STATUS_ORDER } from '#lib/fleet/rows.ts'
import { count, figureText } from '#lib/format/numbers.ts'
import { worstStatus, type MapAnswer, type MapCluster, type MapPoint } from './view.ts'

export type Place = { key: string; longitude: number; latitude: number } & (
  { point: MapPoint; cluster?: undefined } | { cluster: MapCluster; point?: undefined }
)

export function placesOf(answer: Pick<MapAnswer, 'clusters' | 'points'> | undefined): Place[] {
  return [
    ...(answer?.clusters ?? []).map((cluster) => ({
      key: `${String(cluster.longitude)} ${String(cluster.latitude)} ${String(cluster.count)}`,
      longitude: cluster.longitude,
      latitude: cluster.latitude,
      cluster,
    })),
    ...(answer?.points ?? []).map((point) => ({
      key: point.id,
      longitude: point.longitude,
      latitude: point.latitude,
      point,
    })),
  ]
}

export const statusOf = (place: Place): MapPoint['status'] =>
  place.point ? place.point.status : worstStatus(place.cluster.statuses)

/** Of two marks in one spot the worse one is seen: its `z-index`. */
export const depthOf = (place: Place): number => 10 - STATUS_ORDER.indexOf(statusOf(place))

/** A mark, read aloud. */
export function labelOf(place: Place, locale: string): string {
  if (place.point) {
    const { name, status, night, acPowerW } = place.point
    return [name, siteMark(status, night).word, acPowerW === undefined ? '' : figureText(acPowerW, 'W', locale)]
      .filter(Boolean)
      .join(', ')
  }
  const { count: sites, statuses, nights = 0, acPowerW } = place.cluster
  const parts = Object.entries(statuses).map(([status, number]) => {
    const { word } = sitesMark(status as MapPoint['status'], number, nights)
    return `${count(number, locale)} ${word.toLowerCase()}`
  })
  return `${count(sites, locale)} sites: ${parts.join(', ')}; ${figureText(acPowerW, 'W', locale)}. Zoom in`
}

/** One stop for Tab; arrows go on from mark to mark. @returns the mark to go to, where the key is one of them */
export function markAfter(places: readonly Place[], key: string, pressed: string): string | undefined {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[pressed]
  const at = places.findIndex((place) => place.key === key)
  if (step === undefined || at < 0) return undefined
  return places[(at + step + places.length) % places.length]!.key
}
