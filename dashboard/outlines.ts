/**
 * Land and borders of the world (Natural Earth, public domain) as the map reads them, made when the pages are built: a phone that is to show a
 * map need not turn one format into another first.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { FeatureCollection, MultiLineString, MultiPolygon } from 'geojson'
import { feature, mesh } from 'topojson-client'
import type { GeometryCollection, Topology } from 'topojson-specification'
import { aroundTheDateLine, unwrapped } from './src/lib/map/date-line.ts'
import { DRAWING_UNITS, mercator } from './src/lib/map/still.ts'

interface World extends Topology {
  objects: { countries: GeometryCollection; land: GeometryCollection }
}
/** Of the whole world, and of a part of it; digits after the point of a degree: a hundredth is a kilometre. */
const SCALES = { coarse: { atlas: '110m', digits: 2 }, fine: { atlas: '50m', digits: 3 } } as const
const resolve = createRequire(import.meta.url).resolve

/** Writes `land-coarse.json`, `borders-coarse.json`, the fine ones and `world.svg`, a drawing of the coarse. @returns the folder they are in */
export function writeOutlines(): string {
  const folder = join(import.meta.dirname, '.svelte-kit', 'outlines')
  mkdirSync(folder, { recursive: true })
  for (const [scale, { atlas, digits }] of Object.entries(SCALES)) {
    const world = JSON.parse(readFileSync(resolve(`world-atlas/countries-${atlas}.json`), 'utf8')) as World
    const land = feature(world, world.objects.land) as FeatureCollection<MultiPolygon>
    for (const { geometry } of land.features)
      geometry.coordinates = geometry.coordinates.map((polygon) => polygon.map(aroundTheDateLine))
    // Where two countries meet; the coast is the land's own edge.
    const borders: MultiLineString = mesh(world, world.objects.countries, (one, other) => one !== other)
    borders.coordinates = borders.coordinates.map(unwrapped)
    const round = (_key: string, value: unknown) =>
      typeof value === 'number' ? Math.round(value * 10 ** digits) / 10 ** digits : value
    writeFileSync(join(folder, `land-${scale}.json`), JSON.stringify(land, round))
    writeFileSync(join(folder, `borders-${scale}.json`), JSON.stringify(borders, round))
    if (scale === 'coarse') writeFileSync(join(folder, 'world.svg'), drawing(land, borders))
  }
  return folder
}

/** For a map that nobody has moved yet: the browser draws it, and no script has to. Colours are those of whoever uses it. */
function drawing(land: FeatureCollection<MultiPolygon>, borders: MultiLineString): string {
  const line = (positions: readonly number[][], end: string): string =>
    `M${positions
      .map(([longitude, latitude]) => {
        const { x, y } = mercator(longitude!, latitude!)
        return `${(x * DRAWING_UNITS).toFixed(2)} ${(y * DRAWING_UNITS).toFixed(2)}`
      })
      .join('L')}${end}`
  const rings = land.features.flatMap(({ geometry }) => geometry.coordinates.flat())
  const path = (id: string, data: string): string => `<path id="${id}" vector-effect="non-scaling-stroke" d="${data}"/>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${DRAWING_UNITS} ${DRAWING_UNITS}">${path(
    'land',
    rings.map((ring) => line(ring, 'Z')).join(''),
  )}${path('borders', borders.coordinates.map((one) => line(one, '')).join(''))}</svg>
`
}
