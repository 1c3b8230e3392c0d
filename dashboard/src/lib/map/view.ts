/** The view of a map as text and numbers: pure, so that it can be tested without one. */
import type { SiteStatus } from '@heliograph/crm-core/contracts'
import { STATUS_ORDER } from '#lib/fleet/rows.ts'

export interface MapPoint {
  id: string
  name: string
  latitude: number
  longitude: number
  status: SiteStatus
  night?: true
  acPowerW?: number
  lossTodayWh?: number
}
export interface MapCluster {
  latitude: number
  longitude: number
  count: number
  bbox: [number, number, number, number]
  statuses: Partial<Record<SiteStatus, number>>
  /** How many of the idle ones lie in the dark. */
  nights?: number
  acPowerW: number
}
export interface MapAnswer {
  points: MapPoint[]
  clusters: MapCluster[]
  withoutPlace: number
}
export interface MapView {
  zoom: number
  latitude: number
  longitude: number
}
/** West, south, east, north in degrees. */
export type Bbox = readonly [number, number, number, number]

/** `5.2/48.401/9.987` in an address: zoom, latitude, longitude. */
export function readView(text: string | null): MapView | undefined {
  const [zoom, latitude, longitude, ...rest] = (text ?? '').split('/').map(Number)
  if (zoom === undefined || latitude === undefined || longitude === undefined || rest.length > 0) return undefined
  if (!(zoom >= 0 && zoom <= 22 && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return undefined
  return { zoom, latitude, longitude }
}
export function viewText({ zoom, latitude, longitude }: MapView): string {
  // A pixel of a close view is some hundred-thousandth of a degree.
  return [zoom.toFixed(2), latitude.toFixed(5), wrap(longitude).toFixed(5)].map(Number).join('/')
}

/** Degrees into -180 to 180. */
export const wrap = (longitude: number): number => ((((longitude + 180) % 360) + 360) % 360) - 180

/**
 * What to ask for: the view and a part beyond each edge, so that a small move needs no other answer. West may be greater
 * than east across the date line.
 */
export function widened([west, south, east, north]: Bbox, part = 0.25): Bbox {
  const high = (north - south) * part
  const wide = (east - west) * part
  const [low, top] = [Math.max(-90, south - high), Math.min(90, north + high)]
  if (east - west + 2 * wide >= 360) return [-180, low, 180, top]
  return [wrap(west - wide), low, wrap(east + wide), top]
}
/** Text for a request; a ten-thousandth of a degree is ten metres. */
export const bboxText = (bbox: Bbox): string => bbox.map((degrees) => Number(degrees.toFixed(4))).join(',')

/** The box around everything there is; undefined where nothing has a place. */
export function boundsOf({ points, clusters }: Pick<MapAnswer, 'points' | 'clusters'>): Bbox | undefined {
  const boxes = [
    ...points.map(({ longitude, latitude }): Bbox => [longitude, latitude, longitude, latitude]),
    ...clusters.map(({ bbox }) => bbox),
  ]
  if (boxes.length === 0) return undefined
  return boxes.reduce(([west, south, east, north], box) => [
    Math.min(west, box[0]),
    Math.min(south, box[1]),
    Math.max(east, box[2]),
    Math.max(north, box[3]),
  ])
}

/** The status that asks most for somebody among those inside. */
export function worstStatus(statuses: Partial<Record<SiteStatus, number>>): SiteStatus {
  return STATUS_ORDER.find((status) => (statuses[status] ?? 0) > 0) ?? 'unknown'
}
