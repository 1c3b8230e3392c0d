/** What is read from the store now and then, not per reading: one look at a time; one that fails is told, and the next one comes. */
export interface Looks {
  /** Looks once; one that is under way is waited for instead. */
  look(): Promise<void>
  start(): void
  stop(): void
}

export function createLooks(read: () => Promise<void>, everyMs: number, onError: (error: unknown) => void): Looks {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  const look = (): Promise<void> =>
    (running ??= read()
      .catch(onError)
      .finally(() => (running = undefined)))
  return {
    look,
    start() {
      void look()
      timer = setInterval(() => void look(), everyMs)
    },
    stop: () => clearInterval(timer),
  }
}
