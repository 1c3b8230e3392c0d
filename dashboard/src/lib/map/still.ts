/** A map that stands still, by arithmetic alone: where things lie on it in Web Mercator, as the moving one has them. Pure. */
import { FIT } from './limits.ts'
import type { Bbox, MapView } from './view.ts'

/** Width of the world at zoom 0, CSS pixels. */
const WORLD_PX = 512
/** Beyond this the square of the projection ends, degrees. */
const LAST_LATITUDE = 85.051129
/** Width and height of the drawing of the world, in its own units; a hundredth of one is four hundred metres. */
export const DRAWING_UNITS = 1024

export interface Size {
  width: number
  height: number
}

/** @returns shares of the world's width, from its west and its north edge: 0 to 1 */
export function mercator(longitude: number, latitude: number): { x: number; y: number } {
  const angle = (Math.max(-LAST_LATITUDE, Math.min(LAST_LATITUDE, latitude)) * Math.PI) / 180
  return { x: (longitude + 180) / 360, y: (1 - Math.asinh(Math.tan(angle)) / Math.PI) / 2 }
}
/** The other way. */
export function fromMercator(x: number, y: number): { longitude: number; latitude: number } {
  return { longitude: x * 360 - 180, latitude: (Math.atan(Math.sinh((1 - 2 * y) * Math.PI)) * 180) / Math.PI }
}
const worldPx = (zoom: number): number => WORLD_PX * 2 ** zoom

/** The closest view that shows all of a box. */
export function fitView([west, south, east, north]: Bbox, { width, height }: Size): MapView {
  const from = mercator(west, north)
  const to = mercator(east, south)
  const room = (px: number): number => Math.max(1, px - 2 * FIT.padding)
  const scale = Math.min(room(width) / (to.x - from.x), room(height) / (to.y - from.y))
  const zoom = Math.max(0, Math.min(FIT.maxZoom, Math.log2(scale / WORLD_PX)))
  return { zoom, ...fromMercator((from.x + to.x) / 2, (from.y + to.y) / 2) }
}

/** What a view shows. */
export function boundsOfView({ zoom, longitude, latitude }: MapView, { width, height }: Size): Bbox {
  const middle = mercator(longitude, latitude)
  const [halfX, halfY] = [width / 2 / worldPx(zoom), height / 2 / worldPx(zoom)]
  const from = fromMercator(middle.x - halfX, middle.y + halfY)
  const to = fromMercator(middle.x + halfX, middle.y - halfY)
  return [from.longitude, from.latitude, to.longitude, to.latitude]
}

/** Where a place lies in the picture, CSS pixels from its top left corner. */
export function placeIn(
  view: MapView,
  size: Size,
  at: { longitude: number; latitude: number },
): { x: number; y: number } {
  const middle = mercator(view.longitude, view.latitude)
  const place = mercator(at.longitude, at.latitude)
  // Nearest copy of the world: a view across the date line has some of it on the other side.
  const around = place.x - middle.x - Math.round(place.x - middle.x)
  return {
    x: size.width / 2 + around * worldPx(view.zoom),
    y: size.height / 2 + (place.y - middle.y) * worldPx(view.zoom),
  }
}

/** The part of the drawing that a view shows, for `viewBox`. */
export function viewBox(view: MapView, { width, height }: Size): string {
  const middle = mercator(view.longitude, view.latitude)
  const scale = DRAWING_UNITS / worldPx(view.zoom)
  const [wide, high] = [width * scale, height * scale]
  return [middle.x * DRAWING_UNITS - wide / 2, middle.y * DRAWING_UNITS - high / 2, wide, high]
    .map((n) => n.toFixed(3))
    .join(' ')
}
