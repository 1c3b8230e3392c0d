/** Whose rights ended or changed: people, single sessions, API keys (by their ids). */
export interface Revocation {
  callerIds?: readonly string[]
  sessionIds?: readonly string[]
}
export interface Revocations {
  /** Told in this process at once, after the commit; other processes hear of it by the event `rights.changed`. */
  onRevoked(listener: (revocation: Revocation) => void): () => void
  revoke(revocation: Revocation): void
}

export function createRevocations(): Revocations {
  const listeners = new Set<(revocation: Revocation) => void>()
  return {
    onRevoked(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    revoke(revocation) {
      for (const listener of listeners) listener(revocation)
    },
  }
}
