import type { SiteStatus } from '@heliograph/crm-core/contracts'

export interface MapPoint {
  id: string
  name: string
  latitude: number
  longitude: number
  status: SiteStatus
  acPowerW?: number
}
export interface MapCluster {
  latitude: number
  longitude: number
  count: number
  /** West, south, east, north of what is in it. */
  bbox: [number, number, number, number]
  statuses: Partial<Record<SiteStatus, number>>
  acPowerW: number
}
/** West, south, east, north in degrees; west may be greater than east across the date line. */
export type Bbox = readonly [number, number, number, number]

/** Points closer than this on the screen, in pixels of a 256-pixel tile, are one. */
const CELL_PX = 64

export function isInside([west, south, east, north]: Bbox, { latitude, longitude }: MapPoint): boolean {
  if (latitude < south || latitude > north) return false
  return west <= east ? longitude >= west && longitude <= east : longitude >= west || longitude <= east
}

/** Groups points by the cells of a grid on the Web Mercator plane (EPSG:3857) at a zoom; single ones stay points. */
export function clusterPoints(
  points: readonly MapPoint[],
  zoom: number,
): { points: MapPoint[]; clusters: MapCluster[] } {
  const cells = new Map<string, MapPoint[]>()
  const scale = (256 * 2 ** zoom) / CELL_PX
  for (const point of points) {
    const key = `${Math.floor(mercatorX(point.longitude) * scale)} ${Math.floor(mercatorY(point.latitude) * scale)}`
    const cell = cells.get(key)
    if (cell === undefined) cells.set(key, [point])
    else cell.push(point)
  }
  const alone: MapPoint[] = []
  const clusters: MapCluster[] = []
  for (const cell of cells.values()) {
    if (cell.length === 1) alone.push(cell[0]!)
    else clusters.push(clusterOf(cell))
  }
  return { points: alone, clusters }
}

function clusterOf(cell: readonly MapPoint[]): MapCluster {
  const statuses: MapCluster['statuses'] = {}
  const bbox: MapCluster['bbox'] = [180, 90, -180, -90]
  let latitude = 0
  let longitude = 0
  let acPowerW = 0
  for (const point of cell) {
    statuses[point.status] = (statuses[point.status] ?? 0) + 1
    latitude += point.latitude / cell.length
    longitude += point.longitude / cell.length
    acPowerW += point.acPowerW ?? 0
    bbox[0] = Math.min(bbox[0], point.longitude)
    bbox[1] = Math.min(bbox[1], point.latitude)
    bbox[2] = Math.max(bbox[2], point.longitude)
    bbox[3] = Math.max(bbox[3], point.latitude)
  }
  return { latitude, longitude, count: cell.length, bbox, statuses, acPowerW }
}

/** Both 0 to 1 over the world; the projection's latitude ends at 85.05 degrees. */
const mercatorX = (longitude: number) => (longitude + 180) / 360
function mercatorY(latitude: number): number {
  const sine = Math.sin((Math.min(85.05, Math.max(-85.05, latitude)) * Math.PI) / 180)
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)
}
