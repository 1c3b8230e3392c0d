/** Tokens resolved for the canvas: the browser is asked what each is in the theme in use. */
import type { ChartColors } from './types.ts'

const TOKENS = {
  ink: '--color-ink',
  inkDim: '--color-ink-3',
  line: '--color-chart-grid',
  surface: '--color-surface',
  power: '--color-chart-power',
  band: '--color-chart-band',
  energy: '--color-chart-energy',
  last: '--color-chart-last',
  night: '--color-chart-night',
  clipped: '--color-chart-clipped',
  curtailed: '--color-chart-curtailed',
  bad: '--color-bad',
  warn: '--color-warn',
} as const satisfies Record<keyof Omit<ChartColors, 'series' | 'heat'>, string>
// Written out: the style sheet carries only tokens whose names stand somewhere in the sources.
const SERIES = [
  '--color-chart-1',
  '--color-chart-2',
  '--color-chart-3',
  '--color-chart-4',
  '--color-chart-5',
  '--color-chart-6',
] as const
const HEAT = ['--color-heat-1', '--color-heat-2', '--color-heat-3', '--color-heat-4'] as const

/** Colours for where nothing is drawn: tables, words and tests. */
export const NO_COLORS: ChartColors = make(() => '')

export function readColors(element: HTMLElement): ChartColors {
  // `light-dark()` is resolved only where a property uses the token, so a probe wears each in turn.
  const probe = document.createElement('span')
  probe.hidden = true
  element.append(probe)
  const colors = make((token) => {
    probe.style.color = `var(${token})`
    return getComputedStyle(probe).color
  })
  probe.remove()
  return colors
}

function make(resolve: (token: string) => string): ChartColors {
  const plain = Object.fromEntries(Object.entries(TOKENS).map(([name, token]) => [name, resolve(token)]))
  return { ...(plain as Record<keyof typeof TOKENS, string>), series: SERIES.map(resolve), heat: HEAT.map(resolve) }
}
