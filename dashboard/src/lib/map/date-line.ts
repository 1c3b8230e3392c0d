/** Lines that cross the date line, made so that a flat map can draw them: it would draw the jump right across the world. */
type Position = number[]

/** Goes on beyond 180 degrees where the line crosses; the map repeats the world there. */
export function unwrapped(line: readonly Position[]): Position[] {
  let turn = 0
  let before: number | undefined
  return line.map(([longitude = 0, latitude = 0]) => {
    if (before !== undefined && Math.abs(longitude - before) > 180) turn += longitude < before ? 360 : -360
    before = longitude
    return [longitude + turn, latitude]
  })
}

/** A ring; one that goes round a pole does not close on a flat map and is closed along its edge. */
export function aroundTheDateLine(ring: readonly Position[]): Position[] {
  const flat = unwrapped(ring)
  const [first, last] = [flat[0], flat.at(-1)]
  if (!first || !last || Math.abs(first[0]! - last[0]!) < 180) return flat
  const pole = first[1]! < 0 ? -90 : 90
  return [...flat, [last[0]!, pole], [first[0]!, pole], first]
}
