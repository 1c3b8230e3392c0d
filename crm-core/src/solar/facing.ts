/** Where a site's modules face on the whole: only sites that face alike can be held against each other by their rating. */
const DEGREE = Math.PI / 180

/** Towards east, north and up; shorter than one where arrays face different ways. */
export type Facing = readonly [number, number, number]

/**
 * The mean of the arrays' normals, each by its rating. Arrays to the east and to the west make what a flat one makes, and have its
 * mean. @returns undefined without arrays
 */
export function facingOf(
  arrays: readonly { azimuthDeg: number; tiltDeg: number; peakPowerW: number }[],
): Facing | undefined {
  let [east, north, up, weight] = [0, 0, 0, 0]
  for (const { azimuthDeg, tiltDeg, peakPowerW } of arrays) {
    const flat = Math.sin(tiltDeg * DEGREE)
    east += peakPowerW * flat * Math.sin(azimuthDeg * DEGREE)
    north += peakPowerW * flat * Math.cos(azimuthDeg * DEGREE)
    up += peakPowerW * Math.cos(tiltDeg * DEGREE)
    weight += peakPowerW
  }
  return weight > 0 ? [east / weight, north / weight, up / weight] : undefined
}

/** About 20 degrees between two planes: in winter, when the sun is low, a tenth of a clear day's yield. */
const ALIKE = 0.35
/** Whether two sites face alike. Of one that nobody told of nothing is known: it is like others of that kind alone. */
export function facesAlike(one: Facing | undefined, other: Facing | undefined): boolean {
  if (!one || !other) return one === other
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]) <= ALIKE
}
