/** What processes of one role tell each other, by the link: small, at once, and lost where the link is away. */
import { randomUUID } from 'node:crypto'
import type { Link } from './link.ts'

/** Ten thousand words at once are some hundred messages. */
const GATHER_MS = 20

export interface Peers<T> {
  /** To all others; one does not hear oneself. */
  tell(word: T): void
  /** Returns the function that ends it. */
  subscribe(listener: (word: T) => void): () => void
}

/** @returns undefined where this process is the only one of its role */
export function createPeers<T>(
  { isShared, link }: { isShared: boolean; link: Link },
  role: string,
  kind: string,
): Peers<T> | undefined {
  if (!isShared) return undefined
  const self = randomUUID()
  const listeners = new Set<(word: T) => void>()
  let gathered: T[] = []
  link.on(kind, (body) => {
    // Whoever says it hears it too.
    const { by, words } = body as { by: string; words: T[] }
    if (by === self) return
    for (const word of words) for (const listener of listeners) listener(word)
  })
  function send(): void {
    link.send(role, kind, { by: self, words: gathered })
    gathered = []
  }
  return {
    tell(word) {
      if (gathered.push(word) === 1) setTimeout(send, GATHER_MS)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
