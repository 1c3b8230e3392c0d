import { describe, expect, test } from 'vitest'
import { accentOf, accentTokens, contrast, isColor } from './accent.ts'

describe('contrast', () => {
  // Published pairs: black on white, and the grey that is the lightest still readable on white.
  test.each([
    ['#000000', '#ffffff', 21],
    ['#ffffff', '#ffffff', 1],
    ['#767676', '#ffffff', 4.54],
    ['#ff0000', '#ffffff', 4],
  ])('%s on %s', (a, b, expected) => expect(contrast(a, b)).toBeCloseTo(expected, 1))
})

test.each(['#f0a520', '#ffffff', '#000000', '#ffff00', '#0000ff', '#808080', '#ff00aa', '#00ff00'])(
  'whatever is chosen can be read: %s',
  (color) => {
    const { fill, on, ink, soft } = accentOf(color)
    expect(fill).toBe(color)
    expect(contrast(on, fill)).toBeGreaterThanOrEqual(4.5)
    for (const ground of ['#ffffff', '#edebe6', soft.light])
      expect(contrast(ink.light, ground)).toBeGreaterThanOrEqual(4.5)
    for (const ground of ['#121417', '#25292f', soft.dark])
      expect(contrast(ink.dark, ground)).toBeGreaterThanOrEqual(4.5)
  },
)
test('words on the fill stay readable when it is pointed at', () => {
  for (const color of ['#f0a520', '#7a7a7a', '#204080']) {
    const { strong, on } = accentOf(color)
    expect(contrast(on, strong)).toBeGreaterThanOrEqual(4.5)
  }
})
test('only a plain colour is one', () => {
  expect(['#f0a520', '#F0A520', 'red', '#fff', '#12345g', 'url(x)'].map(isColor)).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
  ])
  expect(Object.keys(accentTokens(accentOf('#204080')))).toContain('--color-on-accent')
})
