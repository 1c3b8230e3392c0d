/** Keys that work everywhere: `g` and a letter to go, `/` to filter, `?` for help. Typing in a field is never taken for one. */
export type KeyAction =
  { type: 'go'; key: string } | { type: 'filter' } | { type: 'help' } | { type: 'list' } | { type: 'wait' }

/** How long `g` waits for its second key. */
export const SECOND_KEY_MS = 1500

export interface KeyPress {
  key: string
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
  /** Whether it was typed into a field or a dialog is open. */
  taken: boolean
  at: number
}

export class KeySequence {
  #goSince = -Infinity

  press(press: KeyPress): KeyAction | undefined {
    const waiting = press.at - this.#goSince < SECOND_KEY_MS
    this.#goSince = -Infinity
    if (press.taken || press.ctrlKey || press.metaKey || press.altKey) return undefined
    if (waiting && /^[a-z]$/.test(press.key)) return { type: 'go', key: press.key }
    switch (press.key) {
      case 'g':
        this.#goSince = press.at
        return { type: 'wait' }
      case '/':
        return { type: 'filter' }
      case '?':
        return { type: 'help' }
      case 'j':
      case 'k':
        return { type: 'list' }
      default:
        return undefined
    }
  }
}
