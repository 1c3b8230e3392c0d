import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { SITE_STATUSES, type LiveSite, type SiteStatus } from '@heliograph/crm-core/contracts'
import { MapIndex, type PlacedSite } from './map-index.ts'

const place = (id: string, longitude: number, latitude: number, orgUnitId = 'u'): PlacedSite => ({
  id,
  name: id,
  orgUnitId,
  longitude,
  latitude,
})
const producing = (): LiveSite => ({ status: 'producing', acPowerW: 1 })
const many = Array.from({ length: 1000 }, (_, index) => place(`s${index}`, 5 + (index % 40) / 4, 45 + (index % 25) / 3))

describe('clusters of the map', () => {
  test('put close sites together and keep every one of them', () => {
    const index = new MapIndex(many, producing)
    for (const zoom of [0, 3, 6, 9, 14]) {
      const { points, clusters } = index.view({}, zoom, 0)
      expect(points.length + clusters.reduce((sum, { count }) => sum + count, 0)).toBe(1000)
      for (const cluster of clusters) {
        const [west, south, east, north] = cluster.bbox
        expect(cluster.longitude).toBeGreaterThanOrEqual(west - 1e-5)
        expect(cluster.longitude).toBeLessThanOrEqual(east + 1e-5)
        expect(cluster.latitude).toBeGreaterThanOrEqual(south - 1e-5)
        expect(cluster.latitude).toBeLessThanOrEqual(north + 1e-5)
        expect(cluster.acPowerW).toBe(cluster.count)
        expect(cluster.statuses).toEqual({ producing: cluster.count })
      }
    }
    expect(index.view({}, 0, 0).clusters).toHaveLength(1)
    expect(index.view({}, 0, 1000).points).toHaveLength(1000)
  })
  test('know poles and the date line', () => {
    const index = new MapIndex(
      [place('fiji', 178, -18), place('samoa', -172, -13), place('perth', 115, -32), place('pole', 180, 90)],
      () => undefined,
    )
    const ids = (bbox: [number, number, number, number]) => index.view({ bbox }, 4, 10).points.map(({ id }) => id)
    expect(ids([170, -50, -170, 0]).sort()).toEqual(['fiji', 'samoa'])
    expect(ids([110, -50, 120, 0])).toEqual(['perth'])
    expect(ids([-180, -90, 180, 90])).toHaveLength(4)
    expect(index.view({}, 24, 0).points).toHaveLength(4)
  })
  test('follow what is live, and leave out what was never heard', () => {
    const index = new MapIndex([place('a', 1, 1), place('b', 1, 1)], () => undefined)
    expect(index.view({}, 3, 0).clusters[0]).toMatchObject({ statuses: { unknown: 2 }, acPowerW: 0 })
    expect(index.view({}, 3, 5).points[0]).not.toHaveProperty('acPowerW')
    index.update('b', { status: 'down', acPowerW: 0, lossTodayWh: 5 })
    index.update('elsewhere', { status: 'down' })
    expect(index.view({}, 3, 0).clusters[0]).toMatchObject({ statuses: { unknown: 1, down: 1 } })
  })
  test('tell rest in the dark from idleness by day', () => {
    const index = new MapIndex([place('a', 1, 1), place('b', 1, 1), place('c', 1, 1)], () => ({ status: 'idle' }))
    expect(index.view({}, 3, 0).clusters[0]).not.toHaveProperty('nights')
    index.update('a', { status: 'idle', night: true })
    // Whoever is down stays down, also by night.
    index.update('b', { status: 'down', night: true })
    expect(index.view({}, 3, 0).clusters[0]).toMatchObject({ statuses: { idle: 2, down: 1 }, nights: 1 })
    expect(
      index
        .view({}, 3, 5)
        .points.filter(({ night }) => night)
        .map(({ id }) => id),
    ).toEqual(['a'])
  })
  test('count the sites of some units alone', () => {
    const index = new MapIndex([place('a', 1, 1, 'north'), place('b', 1, 1, 'south')], producing)
    expect(index.view({ orgUnitIds: new Set(['south']) }, 3, 5).points.map(({ id }) => id)).toEqual(['b'])
    expect(index.worst({ orgUnitIds: new Set() }, 5)).toEqual({ total: 0, items: [] })
  })
  test('list what needs somebody first, and the larger loss before the smaller', () => {
    const states: Record<string, LiveSite> = {
      a: { status: 'producing' },
      b: { status: 'down', lossTodayWh: 5 },
      c: { status: 'silent' },
      d: { status: 'down', lossTodayWh: 50 },
      e: { status: 'degraded', lossTodayWh: 900 },
    }
    const index = new MapIndex(
      Object.keys(states).map((id, at) => place(id, at, at)),
      (id) => states[id],
    )
    expect(index.worst({}, 4)).toMatchObject({ total: 5, items: [{ id: 'd' }, { id: 'b' }, { id: 'e' }, { id: 'c' }] })
  })
  test('of a hundred thousand sites take a moment, and a session of panning little on the wire', () => {
    let seed = 7
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647
    const sites = Array.from({ length: 100_000 }, (_, at) =>
      place(`018f0000-0000-7000-8000-${String(at).padStart(12, '0')}`, random() * 30 - 10, 35 + random() * 25),
    )
    const statusOf = (id: string): SiteStatus => SITE_STATUSES[Number(id.slice(-6)) % SITE_STATUSES.length]!
    const index = new MapIndex(sites, (id) => ({
      status: statusOf(id),
      acPowerW: 1_000 + (Number(id.slice(-6)) % 9_000),
    }))
    const times: number[] = []
    let bytes = 0
    const LOOKS = 60
    for (let look = 0; look < LOOKS; look++) {
      const zoom = 3 + (look % 10)
      const half = 60 / 2 ** (zoom - 3)
      const [longitude, latitude] = [random() * 30 - 10, 35 + random() * 25]
      const bbox = [longitude - half, latitude - half / 2, longitude + half, latitude + half / 2] as const
      const start = performance.now()
      const view = index.view({ bbox }, zoom, 300)
      times.push(performance.now() - start)
      expect(view.points.length + view.clusters.length).toBeLessThan(2000)
      // What the page asks for at each step: the marks, and the list beside them.
      for (const answer of [view, index.worst({ bbox }, 100)]) bytes += gzipSync(JSON.stringify(answer)).length
    }
    times.sort((a, b) => a - b)
    // The bar is 30 ms at the 95th percentile; a busy machine gets five times as long.
    expect(times[Math.floor(LOOKS * 0.95)]).toBeLessThan(150)
    expect(bytes).toBeLessThan(1_500_000)
  })
})
