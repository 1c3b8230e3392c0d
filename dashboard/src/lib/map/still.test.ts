import { describe, expect, it } from 'vitest'
import { boundsOfView, fitView, fromMercator, mercator, placeIn, viewBox } from './still.ts'

const size = { width: 412, height: 350 }

describe('the still map', () => {
  it('projects as Web Mercator does', () => {
    // EPSG:3857 of 10° E, 48° N: x 1 113 194.91 m, y 6 106 854.83 m; the world is 40 075 016.69 m wide.
    const { x, y } = mercator(10, 48)
    expect(x).toBeCloseTo(0.5 + 1_113_194.91 / 40_075_016.69, 8)
    expect(y).toBeCloseTo(0.5 - 6_106_854.83 / 40_075_016.69, 8)
    expect(mercator(-180, 85.051129)).toMatchObject({ x: 0, y: expect.closeTo(0, 6) as number })
    expect(mercator(0, 90).y).toBeCloseTo(0, 6)
    expect(mercator(0, -90).y).toBeCloseTo(1, 6)
  })
  it('comes back from the projection', () => {
    for (const [longitude, latitude] of [
      [0, 0],
      [-179.9, -70],
      [151.2, -33.9],
      [12.5, 84],
    ] as const) {
      const { x, y } = mercator(longitude, latitude)
      const back = fromMercator(x, y)
      expect(back.longitude).toBeCloseTo(longitude, 9)
      expect(back.latitude).toBeCloseTo(latitude, 9)
    }
  })
  it('shows all of a box, with room around, and comes no closer than outlines tell something', () => {
    const view = fitView([-9.5, 36.9, 15, 54], size)
    for (const [longitude, latitude] of [
      [-9.5, 36.9],
      [15, 54],
    ] as const) {
      const { x, y } = placeIn(view, size, { longitude, latitude })
      expect(x).toBeGreaterThanOrEqual(55.9)
      expect(x).toBeLessThanOrEqual(size.width - 55.9)
      expect(y).toBeGreaterThanOrEqual(55.9)
      expect(y).toBeLessThanOrEqual(size.height - 55.9)
    }
    const point = fitView([10, 48, 10, 48], size)
    expect(point.zoom).toBe(11)
    expect(point.longitude).toBeCloseTo(10, 9)
    expect(point.latitude).toBeCloseTo(48, 9)
    expect(fitView([-180, -85, 180, 85], size).zoom).toBe(0)
    // Smaller than its own margin.
    expect(fitView([0, 0, 1, 1], { width: 40, height: 40 }).zoom).toBeGreaterThanOrEqual(0)
  })
  it('knows what it shows', () => {
    const view = { zoom: 4, longitude: 10, latitude: 48 }
    const [west, south, east, north] = boundsOfView(view, size)
    expect(placeIn(view, size, { longitude: west, latitude: north })).toEqual({
      x: expect.closeTo(0, 6) as number,
      y: expect.closeTo(0, 6) as number,
    })
    expect(placeIn(view, size, { longitude: east, latitude: south })).toEqual({
      x: expect.closeTo(size.width, 6) as number,
      y: expect.closeTo(size.height, 6) as number,
    })
  })
  it('puts what lies beyond the date line beside it', () => {
    const view = { zoom: 5, longitude: 179, latitude: -18 }
    const fiji = placeIn(view, size, { longitude: 178, latitude: -18 })
    const samoa = placeIn(view, size, { longitude: -179, latitude: -18 })
    expect(fiji.x).toBeLessThan(size.width / 2)
    expect(samoa.x).toBeGreaterThan(size.width / 2)
    expect(samoa.x - fiji.x).toBeCloseTo((3 / 360) * 512 * 32, 6)
  })
  it('cuts its part out of the drawing of the world', () => {
    expect(viewBox({ zoom: 1, longitude: 0, latitude: 0 }, { width: 512, height: 256 })).toBe(
      '256.000 384.000 512.000 256.000',
    )
  })
})
