import { describe, expect, it } from 'vitest'
import {
  clearSkyPower,
  distanceKm,
  erbsDiffuseFraction,
  extraterrestrialIrradiance,
  faimanCellTemperature,
  hasSeveralPlanes,
  haurwitzClearSkyGhi,
  incidenceAngleDeg,
  indexOfPlaneIrradiance,
  indexOfPower,
  neighboursOf,
  planeIrradiance,
  powerUnderIndex,
  powerUnderPlaneIrradiance,
  pvwattsAcPower,
  pvwattsDcPower,
  pvwattsLosses,
  solarGeometry,
  splitIrradiance,
  type Plant,
} from './index.ts'

describe('published values', () => {
  it('Haurwitz clear sky', () => {
    expect(haurwitzClearSkyGhi(0.5)).toBeCloseTo(487.894, 3)
    expect(haurwitzClearSkyGhi(0)).toBe(0)
    expect(haurwitzClearSkyGhi(-0.2)).toBe(0)
  })
  it('Erbs diffuse fraction, and its ends', () => {
    expect(erbsDiffuseFraction(0.5)).toBeCloseTo(0.65915, 5)
    expect(erbsDiffuseFraction(0)).toBe(1)
    expect(erbsDiffuseFraction(0.1)).toBeCloseTo(0.991)
    expect(erbsDiffuseFraction(0.9)).toBe(0.165)
  })
  it('Faiman, PVWatts DC, losses and inverter', () => {
    expect(faimanCellTemperature(800, 20, 1)).toBeCloseTo(45.1256, 4)
    expect(pvwattsDcPower(800, 45.1256, 10, -0.0035)).toBeCloseTo(7.43648, 5)
    expect(pvwattsLosses()).toBeCloseTo(11.4182, 4)
    expect(7.43648 * (1 - pvwattsLosses() / 100)).toBeCloseTo(6.58737, 4)
    expect(pvwattsAcPower(6.58737, 8)).toBeCloseTo(6.33589, 4)
    expect(pvwattsAcPower(9, 8)).toBe(8)
    expect(pvwattsAcPower(0, 8)).toBe(0)
  })
  it.each([
    // Hay and Davies with an albedo of 0.2, worked out with NREL's reference implementation: zenith, azimuth, dni, ghi, dhi, extraterrestrial, tilt, facing.
    [40, 180, 800, 750, 137, 1367, 30, 180, 953.984, 10],
    [65, 100, 400, 300, 131, 1400, 20, 90, 435.725, 45.3803],
    [75, 260, 50, 150, 137, 1330, 45, 200, 153.598, 58.3641],
    [55, 140, 600, 500, 156, 1366.1, 90, 135, 680.842, 35.3102],
  ])(
    'transposition with the sun %d degrees from the zenith',
    (zenith, azimuth, dni, ghi, dhi, extra, tilt, facing, plane, angle) => {
      const sun = { elevationDeg: 90 - zenith, azimuthDeg: azimuth }
      expect(planeIrradiance({ ghi, dni, dhi }, sun, { azimuthDeg: facing, tiltDeg: tilt }, extra)).toBeCloseTo(
        plane,
        2,
      )
      expect(incidenceAngleDeg(sun, { azimuthDeg: facing, tiltDeg: tilt })).toBeCloseTo(angle, 3)
    },
  )
  it.each([
    ['2026-01-03T12:00:00Z', 1414.02],
    ['2026-07-04T12:00:00Z', 1320.46],
    ['2026-03-20T12:00:00Z', 1377.69],
  ])('extraterrestrial irradiance at %s', (time, value) => {
    expect(Math.abs(extraterrestrialIrradiance(Date.parse(time)) - value)).toBeLessThan(1)
  })
})

const plant: Plant = {
  latitude: 48.1,
  longitude: 11.6,
  acCapacityW: 9_000,
  arrays: [
    { azimuthDeg: 90, tiltDeg: 25, peakPowerW: 5_000 },
    { azimuthDeg: 270, tiltDeg: 25, peakPowerW: 5_000 },
  ],
}
const noon = solarGeometry(Date.parse('2026-06-21T11:15:00Z'), 48.1, 11.6)

describe('a plant', () => {
  it('takes beam and sky apart so that they add up to the horizontal', () => {
    const sky = splitIrradiance(600, 0.8, 1361)
    expect(sky.dni * 0.8 + sky.dhi).toBeCloseTo(600)
    expect(splitIrradiance(600, -0.1, 1361)).toEqual({ ghi: 600, dni: 0, dhi: 600 })
  })
  it('gives more under more light, and tells the light back', () => {
    let before = -1
    for (const index of [0.05, 0.2, 0.5, 0.8, 1]) {
      const power = powerUnderIndex(plant, noon, index)
      expect(power).toBeGreaterThan(before)
      before = power
      expect(indexOfPower(plant, noon, power)).toBeCloseTo(index, 2)
    }
    expect(indexOfPower(plant, noon, 20_000)).toBeUndefined()
    expect(indexOfPower(plant, noon, Number.NaN)).toBeUndefined()
    const south = { azimuthDeg: 180, tiltDeg: 30 }
    const sky = splitIrradiance(noon.clearGhi * 0.6, noon.cosZenith, noon.extraterrestrial)
    const measured = planeIrradiance(sky, noon.sun, south, noon.extraterrestrial)
    expect(indexOfPlaneIrradiance(south, noon, measured)).toBeCloseTo(0.6, 2)
  })
  it('is bounded by its inverters', () => {
    const small = { ...plant, acCapacityW: 3_000 }
    expect(powerUnderIndex(small, noon, 1)).toBe(3_000)
    expect(powerUnderIndex(small, noon, 1, {}, 1.15)).toBe(3_000)
  })
  it('is cooled by wind and by a measured module', () => {
    const still = powerUnderIndex(plant, noon, 1, { ambientC: 30, windMs: 0 })
    expect(powerUnderIndex(plant, noon, 1, { ambientC: 30, windMs: 8 })).toBeGreaterThan(still * 1.05)
    expect(powerUnderIndex(plant, noon, 1, { ambientC: 30, windMs: 0, moduleC: 30 })).toBeGreaterThan(still * 1.05)
  })
  it('needs a place and arrays for a sky; a rating is enough for light measured in its plane', () => {
    expect(clearSkyPower({ peakPowerW: 10_000, latitude: 48, longitude: 11 }, Date.now())).toBeUndefined()
    expect(clearSkyPower({ arrays: plant.arrays!, peakPowerW: 10_000 }, Date.now())).toBeUndefined()
    expect(
      powerUnderPlaneIrradiance({ peakPowerW: 10_000, acCapacityW: 8_000 }, 800, { ambientC: 20, windMs: 1 }),
    ).toBeCloseTo(6_335.9, 0)
    expect(powerUnderPlaneIrradiance({ latitude: 48, longitude: 11 }, 800)).toBeUndefined()
  })
  it('makes nothing at night, also east of the date line', () => {
    const samoa: Plant = {
      latitude: -13.83,
      longitude: -171.76,
      arrays: [{ azimuthDeg: 0, tiltDeg: 15, peakPowerW: 5_000 }],
    }
    expect(clearSkyPower(samoa, Date.parse('2026-06-21T10:30:00Z'))).toBe(0)
    expect(clearSkyPower(samoa, Date.parse('2026-06-20T23:30:00Z'))).toBeGreaterThan(3_000)
  })
  it('tells one plane from several', () => {
    expect(hasSeveralPlanes(plant.arrays!)).toBe(true)
    expect(hasSeveralPlanes([plant.arrays![0]!, { azimuthDeg: 100, tiltDeg: 20, peakPowerW: 1 }])).toBe(false)
    // 355 and 5 degrees are neighbours.
    expect(
      hasSeveralPlanes([
        { azimuthDeg: 355, tiltDeg: 20, peakPowerW: 1 },
        { azimuthDeg: 5, tiltDeg: 20, peakPowerW: 1 },
      ]),
    ).toBe(false)
  })
})

describe('neighbours', () => {
  it('are the nearest within the distance, across the date line and near the poles', () => {
    const places = [
      { id: 'west', latitude: -16.8, longitude: 179.95 },
      { id: 'east', latitude: -16.8, longitude: -179.95 },
      { id: 'far', latitude: -16.8, longitude: -179.0 },
      { id: 'same', latitude: -16.8, longitude: 179.95 },
    ]
    const found = neighboursOf(places, 25, 12)
    expect(found.get('west')).toEqual(['same', 'east'])
    expect(found.get('far')).toEqual([])
    expect(distanceKm(places[0]!, places[1]!)).toBeCloseTo(10.64, 1)
    const north = neighboursOf(
      [
        { id: 'a', latitude: 78.2, longitude: 15.4 },
        { id: 'b', latitude: 78.2, longitude: 16.4 },
      ],
      25,
      12,
    )
    expect(north.get('a')).toEqual(['b'])
    expect(
      neighboursOf(
        [
          { id: 'a', latitude: 90, longitude: 0 },
          { id: 'b', latitude: -90, longitude: 0 },
        ],
        25,
        1,
      ).get('a'),
    ).toEqual([])
  })
})
