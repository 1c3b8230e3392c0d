/** Short words at the edge of the page that something has happened. Few, and they wait while somebody reads. */
export interface Toast {
  id: number
  text: string
  tone: 'good' | 'bad' | 'calm'
}
const MOST = 4
const STAYS_MS = 6000
/** Errors stay longer: there is more to read. */
const ERROR_STAYS_MS = 12_000

class Toasts {
  items = $state.raw<readonly Toast[]>([])
  #counter = 0

  show(text: string, tone: Toast['tone'] = 'good'): void {
    const toast = { id: ++this.#counter, text, tone }
    this.items = [...this.items, toast].slice(-MOST)
    setTimeout(() => this.dismiss(toast.id), tone === 'bad' ? ERROR_STAYS_MS : STAYS_MS)
  }
  dismiss(id: number): void {
    this.items = this.items.filter((toast) => toast.id !== id)
  }
}

export const toasts = new Toasts()
