import { expect, test } from 'vitest'
import { facesAlike, facingOf } from './facing.ts'

const plane = (azimuthDeg: number, tiltDeg: number, peakPowerW = 5_000) => ({ azimuthDeg, tiltDeg, peakPowerW })
const alike = (one: ReturnType<typeof plane>[], other: ReturnType<typeof plane>[]) =>
  facesAlike(facingOf(one), facingOf(other))

test('a roof to the south is like one a little steeper or a little to the west', () => {
  expect(alike([plane(180, 30)], [plane(180, 45)])).toBe(true)
  expect(alike([plane(180, 30)], [plane(205, 30)])).toBe(true)
  expect(alike([plane(355, 25)], [plane(5, 25)])).toBe(true)
})
test('east and west together are like a flat roof, not like one to the south or to one of both', () => {
  const both = [plane(90, 15), plane(270, 15)]
  expect(alike(both, [plane(180, 0)])).toBe(true)
  expect(alike(both, [plane(180, 30)])).toBe(false)
  expect(alike([plane(90, 30)], [plane(270, 30)])).toBe(false)
})
test('the larger array counts more', () => {
  expect(alike([plane(180, 30, 9_000), plane(90, 30, 500)], [plane(180, 30)])).toBe(true)
})
test('of what nobody told nothing is known', () => {
  expect(alike([], [plane(180, 30)])).toBe(false)
  expect(alike([], [])).toBe(true)
  expect(facingOf([plane(180, 30, 0)])).toBeUndefined()
})
