/** Tokens resolved for the canvas: the browser is asked what each is in the theme in use. */
import type { ChartColors } from './types.ts'

const TOKENS: Readonly<Record<keyof ChartColors, string>> = {
  ink: '--color-ink',
  inkDim: '--color-ink-3',
  line: '--color-chart-grid',
  surface: '--color-surface',
  power: '--color-chart-power',
  band: '--color-chart-band',
  energy: '--color-chart-energy',
  night: '--color-chart-night',
  bad: '--color-bad',
  warn: '--color-warn',
}

export function readColors(element: HTMLElement): ChartColors {
  // `light-dark()` is resolved only where a property uses the token, so a probe wears each in turn.
  const probe = document.createElement('span')
  probe.hidden = true
  element.append(probe)
  const colors = {} as ChartColors
  for (const [name, token] of Object.entries(TOKENS)) {
    probe.style.color = `var(${token})`
    colors[name as keyof ChartColors] = getComputedStyle(probe).color
  }
  probe.remove()
  return colors
}
