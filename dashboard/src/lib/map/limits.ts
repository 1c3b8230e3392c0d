/** Where a map begins and how far it goes, whether it moves or stands still. */
import type { MapView } from './view.ts'

/** Where nothing has a place there is still a world to look at. */
export const ANYWHERE: MapView = { zoom: 3, latitude: 48, longitude: 10 }
export const CLOSEST_ZOOM = 18
/** How a view is put around all there is: pixels to each edge, and no closer than outlines tell something. */
export const FIT = { padding: 56, maxZoom: 11 } as const
