import { describe, expect, it } from 'vitest'
import { aroundTheDateLine, unwrapped } from './date-line.ts'
import { depthOf, labelOf, markAfter, placesOf } from './places.ts'
import { bboxText, boundsOf, readView, viewText, widened, worstStatus, wrap } from './view.ts'

describe('the view of the map', () => {
  it.each([
    ['5.2/48.4/9.98', { zoom: 5.2, latitude: 48.4, longitude: 9.98 }],
    ['0/0/0', { zoom: 0, latitude: 0, longitude: 0 }],
    ['5/91/0', undefined],
    ['5/0/181', undefined],
    ['-1/0/0', undefined],
    ['a/b/c', undefined],
    ['5/1', undefined],
    ['5/1/1/1', undefined],
    [null, undefined],
  ])('%s', (text, view) => {
    expect(readView(text)).toEqual(view)
  })
  it('goes into the address and comes back', () => {
    const text = viewText({ zoom: 4.256, latitude: 48.4011111, longitude: 369.98 })
    expect(text).toBe('4.26/48.40111/9.98')
    expect(viewText(readView(text)!)).toBe(text)
  })
  it('asks for a bit more than it shows, round the world and no further', () => {
    expect(widened([0, 0, 10, 20])).toEqual([-2.5, -5, 12.5, 25])
    expect(widened([170, -10, 190, 10], 0)).toEqual([170, -10, -170, 10])
    expect(widened([-170, -80, 170, 80])).toEqual([-180, -90, 180, 90])
    expect(bboxText([1.23456789, 0, -0.00001, 9])).toBe('1.2346,0,0,9')
    expect([wrap(180), wrap(-181), wrap(540), wrap(12)]).toEqual([-180, 179, -180, 12])
  })
  it('begins around all there is', () => {
    const point = { id: 'a', name: 'a', latitude: 1, longitude: 2, status: 'idle' } as const
    const cluster = { latitude: 0, longitude: 0, count: 2, bbox: [5, -3, 6, 0], statuses: {}, acPowerW: 0 } as const
    expect(boundsOf({ points: [point], clusters: [{ ...cluster, bbox: [...cluster.bbox] }] })).toEqual([2, -3, 6, 1])
    expect(boundsOf({ points: [], clusters: [] })).toBeUndefined()
  })
  it('marks a cluster by the worst inside', () => {
    expect(worstStatus({ producing: 900, silent: 1 })).toBe('silent')
    expect(worstStatus({ producing: 900, silent: 1, down: 1 })).toBe('down')
    expect(worstStatus({})).toBe('unknown')
  })
})

describe('lines over the date line', () => {
  it('go on beyond it', () => {
    expect(
      unwrapped([
        [179, 1],
        [-179, 2],
        [178, 3],
      ]),
    ).toEqual([
      [179, 1],
      [181, 2],
      [178, 3],
    ])
    expect(
      unwrapped([
        [-179, 1],
        [179, 2],
      ]),
    ).toEqual([
      [-179, 1],
      [-181, 2],
    ])
    expect(
      unwrapped([
        [0, 0],
        [90, 0],
        [170, 0],
      ]),
    ).toEqual([
      [0, 0],
      [90, 0],
      [170, 0],
    ])
  })
  it('close round a pole', () => {
    const ring = aroundTheDateLine([
      [-170, -70],
      [0, -75],
      [170, -70],
      [-170, -70],
    ])
    expect(ring.slice(-3)).toEqual([
      [190, -90],
      [-170, -90],
      [-170, -70],
    ])
    const plain = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 0],
    ]
    expect(aroundTheDateLine(plain)).toEqual(plain)
  })
})

describe('the marks of the map', () => {
  const point = { id: 'a', name: 'Adega', latitude: 1, longitude: 2, status: 'down', acPowerW: 1500 } as const
  const cluster = { latitude: 3, longitude: 4, count: 3, statuses: { idle: 2, producing: 1 }, nights: 2, acPowerW: 0 }
  const places = placesOf({ points: [point], clusters: [{ ...cluster, bbox: [4, 3, 4, 3] }] })

  it('say what they are', () => {
    expect(places.map((place) => labelOf(place, 'en'))).toEqual([
      '3 sites: 2 night, 1 producing; 0 W. Zoom in',
      'Adega, Down, 1.50 kW',
    ])
  })
  it('show the worse of two in one spot', () => {
    const [group, site] = places
    expect(depthOf(site!)).toBeGreaterThan(depthOf(group!))
  })
  it('are gone through by arrows, round and round', () => {
    const [first, last] = places.map(({ key }) => key)
    expect(markAfter(places, first!, 'ArrowRight')).toBe(last)
    expect(markAfter(places, last!, 'ArrowDown')).toBe(first)
    expect(markAfter(places, first!, 'ArrowUp')).toBe(last)
    expect(markAfter(places, first!, 'Enter')).toBeUndefined()
    expect(markAfter(places, 'gone', 'ArrowRight')).toBeUndefined()
  })
})
