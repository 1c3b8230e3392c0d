/** A chart as a picture that can stand alone: its title above, its legend below, on the ground of the theme. */
import type { EChartsType } from 'echarts/core'
import type { ChartColors, LegendEntry } from './types.ts'

const FONT = "'Inter Variable', system-ui, sans-serif"
/** Twice the pixels of the page: sharp on paper. */
const RATIO = 2
const EDGE = 14
const TITLE_HEIGHT = 34
const LEGEND_ROW = 20

/** @returns undefined where the browser gives no canvas */
export async function chartPicture(
  chart: EChartsType,
  { title, legend, colors }: { title: string; legend: readonly LegendEntry[]; colors: ChartColors },
): Promise<Blob | undefined> {
  const width = chart.getWidth()
  const height = chart.getHeight()
  const canvas = document.createElement('canvas')
  const pen = canvas.getContext('2d')
  if (!pen) return undefined
  pen.font = `12px ${FONT}`
  const places = legendPlaces(
    legend.map(({ label }) => pen.measureText(label).width + 34),
    width,
  )
  const rows = places.length > 0 ? places.at(-1)!.row + 1 : 0
  canvas.width = (width + 2 * EDGE) * RATIO
  canvas.height = (TITLE_HEIGHT + height + rows * LEGEND_ROW + 2 * EDGE) * RATIO
  pen.scale(RATIO, RATIO)
  pen.fillStyle = colors.surface
  pen.fillRect(0, 0, canvas.width, canvas.height)
  pen.textBaseline = 'middle'
  pen.fillStyle = colors.ink
  pen.font = `600 15px ${FONT}`
  pen.fillText(title, EDGE, EDGE + TITLE_HEIGHT / 2 - 4, width)
  const drawing = chart.renderToCanvas({ pixelRatio: RATIO, backgroundColor: colors.surface })
  pen.drawImage(drawing, EDGE, EDGE + TITLE_HEIGHT, width, height)
  pen.font = `12px ${FONT}`
  for (const [index, { label, color, shape }] of legend.entries()) {
    const { x, row } = places[index]!
    const y = EDGE + TITLE_HEIGHT + height + row * LEGEND_ROW + LEGEND_ROW / 2
    const flat = shape === 'line' || shape === 'dashed'
    pen.fillStyle = color
    pen.fillRect(EDGE + x, y - (flat ? 1 : 5), 14, flat ? 2 : 10)
    pen.fillStyle = colors.ink
    pen.fillText(label, EDGE + x + 20, y)
  }
  return await new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? undefined), 'image/png'))
}

/** Where the entries of a legend stand: in rows as they fit. */
export function legendPlaces(widths: readonly number[], width: number): { x: number; row: number }[] {
  const places: { x: number; row: number }[] = []
  let x = 0
  let row = 0
  for (const own of widths) {
    if (x > 0 && x + own > width) {
      x = 0
      row++
    }
    places.push({ x, row })
    x += own
  }
  return places
}
