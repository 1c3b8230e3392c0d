/** Menus, dialogs and pickers come after the page: with the first touch of mouse, finger or key, long before anything of theirs opens. */
import { toasts } from '#lib/state/toasts.svelte.ts'
import type * as OverlayParts from './overlay-parts.ts'

class Overlays {
  parts = $state.raw<typeof OverlayParts | undefined>(undefined)
  #loading = false

  /** Loads them if that has not happened yet. */
  load = (): void => {
    if (this.#loading) return
    this.#loading = true
    import('./overlay-parts.ts').then(
      (parts) => {
        this.parts = parts
      },
      () => {
        this.#loading = false
        toasts.show('A part of the page could not be loaded. Try again, or reload the page.', 'bad')
      },
    )
  }
  /** Waits for the first sign of a person; answers how to stop. */
  start(): () => void {
    const signs = ['pointermove', 'pointerdown', 'keydown'] as const
    const stop = () => {
      for (const sign of signs) window.removeEventListener(sign, begin, true)
    }
    const begin = () => {
      stop()
      this.load()
    }
    for (const sign of signs) window.addEventListener(sign, begin, { capture: true, passive: true })
    return stop
  }
}

export const overlays = new Overlays()
