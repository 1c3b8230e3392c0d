import { SITE_STATUSES, type LiveSite, type SiteStatus } from '@heliograph/crm-core/contracts'

export interface PlacedSite {
  id: string
  name: string
  orgUnitId: string
  latitude: number
  longitude: number
}
export interface MapPoint {
  id: string
  name: string
  latitude: number
  longitude: number
  status: SiteStatus
  /** It lies in the dark. */
  night?: true
  acPowerW?: number
  lossTodayWh?: number
}
export interface MapCluster {
  latitude: number
  longitude: number
  count: number
  /** West, south, east, north of what is in it. */
  bbox: [number, number, number, number]
  statuses: Partial<Record<SiteStatus, number>>
  /** How many of the idle ones lie in the dark; absent: none. */
  nights?: number
  acPowerW: number
}
/** West, south, east, north in degrees; west may be greater than east across the date line. */
export type Bbox = readonly [number, number, number, number]
export interface MapFilter {
  bbox?: Bbox | undefined
  /** Units whose sites count; absent: all. */
  orgUnitIds?: ReadonlySet<string> | undefined
}

/** Points closer than this on the screen, in pixels of a 256-pixel tile, are one. */
const CELL_PX = 64
const STATUS_NUMBER = new Map<SiteStatus, number>(SITE_STATUSES.map((status, index) => [status, index]))
const UNKNOWN = STATUS_NUMBER.get('unknown')!
/** What asks for a person first comes first; what is lost comes before what rests. */
const WORST_FIRST: readonly SiteStatus[] = ['down', 'degraded', 'silent', 'unknown', 'producing', 'idle']
const URGENCY = SITE_STATUSES.map((status) => WORST_FIRST.indexOf(status))

/**
 * Sites on the Web Mercator plane (EPSG:3857), from west to east, with what is live of them in arrays beside: a view of a
 * hundred thousand sites is one pass over numbers. `update` keeps the live part in step, so that nothing is looked up by
 * name while somebody waits.
 */
export class MapIndex {
  readonly #sites: readonly PlacedSite[]
  readonly #places = new Map<string, number>()
  /** Degrees. */
  readonly #longitude: Float64Array
  readonly #latitude: Float64Array
  readonly #unit: Uint32Array
  readonly #units = new Map<string, number>()
  /** 0 to 1 over the world. */
  readonly #x: Float64Array
  readonly #y: Float64Array
  readonly #status: Uint8Array
  /** 1 where it is idle in the dark. */
  readonly #night: Uint8Array
  /** NaN where nothing is known. */
  readonly #power: Float64Array
  readonly #loss: Float64Array

  /** @param live what is known now of a site */
  constructor(sites: readonly PlacedSite[], live: (siteId: string) => LiveSite | undefined) {
    this.#sites = [...sites].sort((a, b) => a.longitude - b.longitude)
    const size = this.#sites.length
    this.#longitude = new Float64Array(size)
    this.#latitude = new Float64Array(size)
    this.#unit = new Uint32Array(size)
    this.#x = new Float64Array(size)
    this.#y = new Float64Array(size)
    this.#status = new Uint8Array(size)
    this.#night = new Uint8Array(size)
    this.#power = new Float64Array(size)
    this.#loss = new Float64Array(size)
    for (const [place, site] of this.#sites.entries()) {
      this.#places.set(site.id, place)
      this.#longitude[place] = site.longitude
      this.#latitude[place] = site.latitude
      const unit = this.#units.get(site.orgUnitId) ?? this.#units.size
      this.#units.set(site.orgUnitId, unit)
      this.#unit[place] = unit
      this.#x[place] = mercatorX(site.longitude)
      this.#y[place] = mercatorY(site.latitude)
      this.#put(place, live(site.id))
    }
  }

  /** Takes in what is live of a site; sites that are not on this map are passed over. */
  update(siteId: string, live: LiveSite | undefined): void {
    const place = this.#places.get(siteId)
    if (place !== undefined) this.#put(place, live)
  }

  /**
   * What a view shows: each site where there are at most `mostPoints`, else those that stand alone and clusters of the rest,
   * by the cells of a grid at the zoom.
   */
  view(filter: MapFilter, zoom: number, mostPoints: number): { points: MapPoint[]; clusters: MapCluster[] } {
    const inside = this.#inside(filter)
    if (inside.length <= mostPoints) return { points: Array.from(inside, (place) => this.#point(place)), clusters: [] }
    return this.#cluster(inside, (256 * 2 ** zoom) / CELL_PX)
  }

  /** How many sites a view holds, and those of them that need a person most: by status, then by what they lose. */
  worst(filter: MapFilter, limit: number): { total: number; items: MapPoint[] } {
    const inside = this.#inside(filter)
    const byUrgency: number[][] = WORST_FIRST.map(() => [])
    for (const place of inside) byUrgency[URGENCY[this.#status[place]!]!]!.push(place)
    const items: MapPoint[] = []
    const losing = (a: number, b: number) => (this.#loss[b] || 0) - (this.#loss[a] || 0) || (a < b ? -1 : 1)
    for (const places of byUrgency) {
      if (items.length >= limit) break
      for (const place of places.sort(losing).slice(0, limit - items.length)) items.push(this.#point(place))
    }
    return { total: inside.length, items }
  }

  #put(place: number, live: LiveSite | undefined): void {
    this.#status[place] = STATUS_NUMBER.get(live?.status ?? 'unknown') ?? UNKNOWN
    this.#night[place] = live?.status === 'idle' && live.night ? 1 : 0
    this.#power[place] = live?.acPowerW ?? NaN
    this.#loss[place] = live?.lossTodayWh ?? NaN
  }

  #point(place: number): MapPoint {
    const { id, name, latitude, longitude } = this.#sites[place]!
    const point: MapPoint = { id, name, latitude, longitude, status: SITE_STATUSES[this.#status[place]!]! }
    if (this.#night[place] === 1) point.night = true
    if (!Number.isNaN(this.#power[place])) point.acPowerW = this.#power[place]!
    if (!Number.isNaN(this.#loss[place])) point.lossTodayWh = this.#loss[place]!
    return point
  }

  /** Places within the view, from west to east. */
  #inside({ bbox = [-180, -90, 180, 90], orgUnitIds }: MapFilter): Int32Array {
    const [west, south, east, north] = bbox
    const inside = new Int32Array(this.#sites.length)
    const wanted = orgUnitIds && new Set([...orgUnitIds].map((id) => this.#units.get(id)))
    const ranges: (readonly [number, number])[] =
      west <= east
        ? [[west, east]]
        : [
            [-180, east],
            [west, 180],
          ]
    let count = 0
    for (const [from, to] of ranges) {
      const end = this.#firstWhere((longitude) => longitude > to)
      for (let place = this.#firstWhere((longitude) => longitude >= from); place < end; place++) {
        const latitude = this.#latitude[place]!
        if (latitude < south || latitude > north) continue
        if (wanted === undefined || wanted.has(this.#unit[place]!)) inside[count++] = place
      }
    }
    return inside.subarray(0, count)
  }
  #firstWhere(reached: (longitude: number) => boolean): number {
    let low = 0
    let high = this.#longitude.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (reached(this.#longitude[middle]!)) high = middle
      else low = middle + 1
    }
    return low
  }

  /** @param scale cells across the world */
  #cluster(inside: Int32Array, scale: number): { points: MapPoint[]; clusters: MapCluster[] } {
    const points: MapPoint[] = []
    const clusters: MapCluster[] = []
    // Places go from west to east, so a column of cells is finished before the next begins: its rows are small whole numbers.
    let column = -1
    let rows = new Map<number, Cell>()
    const flush = () => {
      for (const cell of rows.values()) {
        if (cell.count === 1) points.push(this.#point(cell.first))
        else clusters.push(clusterOf(cell))
      }
    }
    for (const place of inside) {
      const next = Math.floor(this.#x[place]! * scale)
      if (next !== column) {
        flush()
        rows = new Map()
        column = next
      }
      const row = Math.floor(this.#y[place]! * scale)
      const longitude = this.#longitude[place]!
      const latitude = this.#latitude[place]!
      let cell = rows.get(row)
      if (cell === undefined) {
        cell = {
          first: place,
          count: 0,
          statuses: new Uint32Array(SITE_STATUSES.length),
          nights: 0,
          acPowerW: 0,
          longitudes: 0,
          latitudes: 0,
          west: longitude,
          south: latitude,
          east: longitude,
          north: latitude,
        }
        rows.set(row, cell)
      }
      cell.count++
      cell.statuses[this.#status[place]!]!++
      cell.nights += this.#night[place]!
      const power = this.#power[place]!
      if (!Number.isNaN(power)) cell.acPowerW += power
      cell.longitudes += longitude
      cell.latitudes += latitude
      cell.east = longitude
      if (longitude < cell.west) cell.west = longitude
      if (latitude < cell.south) cell.south = latitude
      if (latitude > cell.north) cell.north = latitude
    }
    flush()
    return { points, clusters }
  }
}

interface Cell {
  first: number
  count: number
  /** By number of the status. */
  statuses: Uint32Array
  nights: number
  acPowerW: number
  longitudes: number
  latitudes: number
  west: number
  south: number
  east: number
  north: number
}

function clusterOf(cell: Cell): MapCluster {
  const statuses: MapCluster['statuses'] = {}
  for (const [number, count] of cell.statuses.entries()) if (count > 0) statuses[SITE_STATUSES[number]!] = count
  const round = (degrees: number) => Math.round(degrees * 1e5) / 1e5
  return {
    latitude: round(cell.latitudes / cell.count),
    longitude: round(cell.longitudes / cell.count),
    count: cell.count,
    bbox: [cell.west, cell.south, cell.east, cell.north],
    statuses,
    ...(cell.nights > 0 ? { nights: cell.nights } : {}),
    acPowerW: Math.round(cell.acPowerW),
  }
}

/** Both 0 to 1 over the world; the projection's latitude ends at 85.05 degrees. */
const mercatorX = (longitude: number) => (longitude + 180) / 360
function mercatorY(latitude: number): number {
  const sine = Math.sin((Math.min(85.05, Math.max(-85.05, latitude)) * Math.PI) / 180)
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)
}
