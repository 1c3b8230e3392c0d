/** What this browser has to look at a map with. */

/** A mouse on the map is about to move it; a finger mostly presses a mark. */
export const hasMouse = (): boolean => !matchMedia('(pointer: coarse)').matches

export const NO_WEBGL = 'This browser draws no map (WebGL is off).'
/** Whether it draws moving maps. To know takes what is given back at once: a browser has room for few of these. */
export function drawsMaps(): boolean {
  const context = document.createElement('canvas').getContext('webgl2')
  context?.getExtension('WEBGL_lose_context')?.loseContext()
  return context !== null
}
