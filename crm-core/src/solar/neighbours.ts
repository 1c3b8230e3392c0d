/** Who is near whom: sites that see the same sky. */
const EARTH_KM = 6371
const DEGREE = Math.PI / 180
const CELL_DEG = 0.5

export interface Located<Id> {
  id: Id
  latitude: number
  longitude: number
}

/** Great-circle distance, km. */
export function distanceKm(
  a: { latitude: number; longitude: number },
  b: { latitude: number; longitude: number },
): number {
  const dLat = (b.latitude - a.latitude) * DEGREE
  const dLon = (b.longitude - a.longitude) * DEGREE
  const h =
    Math.sin(dLat / 2) ** 2 + Math.cos(a.latitude * DEGREE) * Math.cos(b.latitude * DEGREE) * Math.sin(dLon / 2) ** 2
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)))
}

/** Degrees that hold all places within a distance, for a search by columns; two ranges of longitude where the date line lies within. */
export function boxAround(
  { latitude, longitude }: { latitude: number; longitude: number },
  km: number,
): { latitude: { gte: number; lte: number }; longitudes: { gte: number; lte: number }[] } {
  const high = km / (EARTH_KM * DEGREE)
  const wide = high / Math.max(0.01, Math.cos(latitude * DEGREE))
  const [west, east] = [longitude - wide, longitude + wide]
  const longitudes = [{ gte: Math.max(-180, west), lte: Math.min(180, east) }]
  if (west < -180) longitudes.push({ gte: west + 360, lte: 180 })
  if (east > 180) longitudes.push({ gte: -180, lte: east - 360 })
  return { latitude: { gte: latitude - high, lte: latitude + high }, longitudes }
}

/**
 * The nearest neighbours of every place within a distance, nearest first; across the date line too.
 * @param maxKm at most 50, the size of a cell of the search
 */
export function neighboursOf<Id extends string>(
  places: readonly Located<Id>[],
  maxKm: number,
  maxCount: number,
): Map<Id, Id[]> {
  const columns = 360 / CELL_DEG
  const row = (latitude: number): number => Math.floor((latitude + 90) / CELL_DEG)
  const column = (longitude: number): number => Math.floor(((((longitude + 180) % 360) + 360) % 360) / CELL_DEG)
  const cells = new Map<number, Located<Id>[]>()
  for (const place of places) {
    const key = row(place.latitude) * columns + column(place.longitude)
    const cell = cells.get(key)
    if (cell) cell.push(place)
    else cells.set(key, [place])
  }
  const found = new Map<Id, Id[]>()
  for (const place of places) {
    const near: { id: Id; km: number }[] = []
    // A degree of longitude shrinks towards the poles.
    const reach = Math.min(columns / 2, Math.ceil(1 / Math.max(0.01, Math.cos(place.latitude * DEGREE))))
    for (let dRow = -1; dRow <= 1; dRow++)
      for (let dColumn = -reach; dColumn <= reach; dColumn++) {
        const key = (row(place.latitude) + dRow) * columns + ((column(place.longitude) + dColumn + columns) % columns)
        for (const other of cells.get(key) ?? []) {
          if (other.id === place.id) continue
          const km = distanceKm(place, other)
          if (km <= maxKm) near.push({ id: other.id, km })
        }
      }
    near.sort((a, b) => a.km - b.km || (a.id < b.id ? -1 : 1))
    found.set(place.id, [...new Set(near.map(({ id }) => id))].slice(0, maxCount))
  }
  return found
}
