/** Numbers that depend on the seed alone, so that a run can be repeated: 32-bit mix (Mulberry32's finaliser). */
export function hash32(...parts: number[]): number {
  let state = 0x9e3779b9
  for (const part of parts) {
    state = Math.imul(state ^ (part | 0), 0x85ebca6b) ^ Math.floor(part / 0x1_0000_0000)
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d)
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39)
    state ^= state >>> 15
  }
  return state >>> 0
}
/** 0 to 1, 1 excluded. */
export const unit = (...parts: number[]): number => hash32(...parts) / 0x1_0000_0000

/** A line through random points, one each `step`; smooth enough for clouds. */
export function noise(seed: number, at: number, step: number): number {
  const index = Math.floor(at / step)
  const share = at / step - index
  const eased = share * share * (3 - 2 * share)
  return unit(seed, index) * (1 - eased) + unit(seed, index + 1) * eased
}
