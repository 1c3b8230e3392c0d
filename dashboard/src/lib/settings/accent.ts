/**
 * A colour that a company likes, made fit to be read: whatever is chosen, words in it and on it keep the contrast of WCAG 2.2 AA.
 * Formulas: relative luminance and contrast ratio as WCAG 2.2 defines them (w3.org/TR/WCAG22/#dfn-contrast-ratio).
 */
export interface Accent {
  /** The fill, and a stronger one for when it is pointed at. */
  fill: string
  strong: string
  /** Words on the fill. */
  on: string
  /** Words in the colour, and what lies softly behind them, in each theme. */
  ink: { light: string; dark: string }
  soft: { light: string; dark: string }
}
type Rgb = readonly [number, number, number]

/** Grounds that words in the colour stand on: the lightest and the darkest of each theme's surfaces. */
const GROUNDS = { light: ['#ffffff', '#edebe6'], dark: ['#121417', '#25292f'] } as const
const SURFACE = { light: '#ffffff', dark: '#1a1d21' } as const
const READABLE = 4.5

export const isColor = (text: string): boolean => /^#[0-9a-f]{6}$/.test(text)
const parse = (hex: string): Rgb => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb
const hexOf = (rgb: Rgb): string =>
  `#${rgb
    .map((part) =>
      Math.round(Math.min(255, Math.max(0, part)))
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`

/** @param share of `b` */
function mix(a: string, b: string, share: number): string {
  const [from, to] = [parse(a), parse(b)]
  return hexOf([0, 1, 2].map((at) => from[at]! * (1 - share) + to[at]! * share) as unknown as Rgb)
}
function luminance(hex: string): number {
  const [r, g, b] = parse(hex).map((part) => {
    const value = part / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }) as unknown as Rgb
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
/** From 1 (the same) to 21 (black on white). */
export function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((one, other) => other - one) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}
/** The colour moved towards black or white until it can be read on every ground. */
function readable(color: string, grounds: readonly string[], towards: string): string {
  for (let share = 0; share < 1; share += 0.05) {
    const candidate = mix(color, towards, share)
    if (grounds.every((ground) => contrast(candidate, ground) >= READABLE)) return candidate
  }
  return towards
}

export function accentOf(color: string): Accent {
  const on = contrast('#000000', color) >= contrast('#ffffff', color) ? '#000000' : '#ffffff'
  // Away from the words on it: pointing at a button must not make its words harder to read.
  const strong = mix(color, on === '#000000' ? '#ffffff' : '#000000', 0.14)
  const soft = { light: mix(SURFACE.light, color, 0.12), dark: mix(SURFACE.dark, color, 0.16) }
  return {
    fill: color,
    strong,
    on,
    soft,
    ink: {
      light: readable(color, [...GROUNDS.light, soft.light], '#000000'),
      dark: readable(color, [...GROUNDS.dark, soft.dark], '#ffffff'),
    },
  }
}

/** The tokens of the pages that follow from it. */
export function accentTokens(accent: Accent): Record<string, string> {
  return {
    '--color-accent': accent.fill,
    '--color-accent-strong': accent.strong,
    '--color-on-accent': accent.on,
    '--color-accent-ink': `light-dark(${accent.ink.light}, ${accent.ink.dark})`,
    '--color-accent-soft': `light-dark(${accent.soft.light}, ${accent.soft.dark})`,
  }
}
