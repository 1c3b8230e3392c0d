/** Short words at the edge of the page that something has happened, with a way back where there is one. Few, and they wait while somebody reads. */
export interface Toast {
  id: number
  text: string
  tone: 'good' | 'bad' | 'calm'
  /** What can be done about it: usually "Undo". */
  action?: { label: string; run: () => void | Promise<void> }
}
const MOST = 4
const STAYS_MS = 6000
/** Errors, and what can be undone, stay longer: there is something to read or to decide. */
const LONGER_MS = 12_000

class Toasts {
  items = $state.raw<readonly Toast[]>([])
  #counter = 0
  #timers = new Map<number, ReturnType<typeof setTimeout>>()

  show(text: string, tone: Toast['tone'] = 'good', action?: Toast['action']): void {
    const toast: Toast = { id: ++this.#counter, text, tone, ...(action ? { action } : {}) }
    this.items = [...this.items, toast].slice(-MOST)
    this.#count(toast)
  }
  /** Says what happened and how to take it back. */
  undoable(text: string, undo: () => void | Promise<void>): void {
    this.show(text, 'good', { label: 'Undo', run: undo })
  }
  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
    this.items = this.items.filter((toast) => toast.id !== id)
  }
  /** Somebody points at the toasts or is in them: none goes away now. */
  hold(held: boolean): void {
    if (held) {
      for (const timer of this.#timers.values()) clearTimeout(timer)
      this.#timers.clear()
    } else {
      for (const toast of this.items) if (!this.#timers.has(toast.id)) this.#count(toast)
    }
  }
  #count(toast: Toast): void {
    const ms = toast.tone === 'bad' || toast.action ? LONGER_MS : STAYS_MS
    this.#timers.set(
      toast.id,
      setTimeout(() => this.dismiss(toast.id), ms),
    )
  }
}

export const toasts = new Toasts()
