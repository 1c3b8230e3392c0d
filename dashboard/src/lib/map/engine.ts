/** MapLibre, loaded when the first map is shown. Its worker is a file of ours: the policy lets no other in. */
import 'maplibre-gl/dist/maplibre-gl.css'
import { Map as MapLibre, Marker, setWorkerUrl } from 'maplibre-gl'
import worker from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'

setWorkerUrl(worker)
export { MapLibre, Marker }
