/** Land and borders of the world (Natural Earth, public domain), as they come with the pages: no foreign server is asked. */
import type { GeoJSONSource, Map as MapLibre, StyleSpecification } from 'maplibre-gl'
import bordersCoarse from '#outlines/borders-coarse.json?url'
import bordersFine from '#outlines/borders-fine.json?url'
import landCoarse from '#outlines/land-coarse.json?url'
import landFine from '#outlines/land-fine.json?url'

export interface MapColors {
  sea: string
  land: string
  border: string
}
/** From here on the coarse coast shows its corners. */
const FINE_FROM_ZOOM = 3.2
/** The map's worker fetches and reads them: the page itself has nothing to do with a megabyte of coast. */
const source = (data: string) => ({ type: 'geojson', data: new URL(data, location.href).href, tolerance: 0.4 }) as const

export function outlineStyle(colors: MapColors): StyleSpecification {
  return {
    version: 8,
    sources: { land: source(landCoarse), borders: source(bordersCoarse) },
    layers: [
      { id: 'sea', type: 'background', paint: { 'background-color': colors.sea } },
      { id: 'land', type: 'fill', source: 'land', paint: { 'fill-color': colors.land } },
      {
        id: 'coast',
        type: 'line',
        source: 'land',
        paint: { 'line-color': colors.border, 'line-width': ['interpolate', ['linear'], ['zoom'], 1, 0.6, 8, 1.4] },
      },
      {
        id: 'borders',
        type: 'line',
        source: 'borders',
        paint: { 'line-color': colors.border, 'line-width': ['interpolate', ['linear'], ['zoom'], 1, 0.6, 8, 1.4] },
      },
    ],
  }
}

/** Gives the outlines their new colours. */
export function paintOutlines(map: MapLibre, colors: MapColors): void {
  map.setPaintProperty('sea', 'background-color', colors.sea)
  map.setPaintProperty('land', 'fill-color', colors.land)
  for (const lines of ['coast', 'borders']) map.setPaintProperty(lines, 'line-color', colors.border)
}

/** Puts in the fine outlines once somebody looks closely. Called when the view has come to rest. */
export function refineOutlines(map: MapLibre): void {
  if (map.getZoom() < FINE_FROM_ZOOM) return
  for (const [name, fine] of [
    ['land', landFine],
    ['borders', bordersFine],
  ] as const) {
    const outlines = map.getSource<GeoJSONSource>(name)
    const wanted = source(fine).data
    if (outlines && outlines.serialize().data !== wanted) outlines.setData(wanted)
  }
}

/** Colours of the theme as they are now. */
export function mapColors(element: Element): MapColors {
  const probe = document.createElement('span')
  element.append(probe)
  const read = (name: string) => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  }
  const colors = { sea: read('--color-map-sea'), land: read('--color-map-land'), border: read('--color-map-border') }
  probe.remove()
  return colors
}
