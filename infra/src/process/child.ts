/** What every part's process does alike: say that it is ready or why not, stop on request, end with its parent. */

const FORCED_EXIT_MS = 9_000
/** In the environment of a part that may load its modules, but waits for the word to begin. */
export const BEGINS_WHEN_TOLD = 'HELIOGRAPH_CHILD_BEGINS_WHEN_TOLD'
const farewells: (() => Promise<void>)[] = []

/** What a part does last, when everything else of it has stopped. */
export function atStop(act: () => Promise<void>): void {
  farewells.push(act)
}

/**
 * Runs a part until it is told to stop.
 * @param start resolves with what the supervisor is told and how to stop
 */
export async function runChild(
  start: () => Promise<{ ready?: Record<string, unknown>; stop(): Promise<void> }>,
): Promise<void> {
  let part: Awaited<ReturnType<typeof start>> | undefined
  let stopping = false
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), FORCED_EXIT_MS).unref()
    try {
      await part?.stop()
      for (const act of farewells) await act()
      process.exit(0)
    } catch (error) {
      console.error('stop failed:', error)
      process.exit(1)
    }
  }
  // Asked by the supervisor; who cannot answer for long hangs.
  process.on('message', (message: { type?: unknown }) => {
    if (message.type === 'alive?') process.send?.({ type: 'alive' }, () => undefined)
  })
  process.on('SIGTERM', () => void stop())
  // Ctrl-C reaches the whole process group; the supervisor stops its children in order.
  process.on('SIGINT', () => {
    if (!process.connected) void stop()
  })
  // The parent is gone without a word. A part must not outlive it for a moment: it would go on writing beside the one that
  // the next supervisor starts. Nothing acknowledged needs a farewell, so there is none.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  // Gone while our modules were being loaded; undefined where nobody forked us.
  if (process.connected === false) process.kill(process.pid, 'SIGKILL')
  try {
    if (process.env[BEGINS_WHEN_TOLD]) await toldToBegin()
    part = await start()
    process.send?.({ type: 'ready', ...part.ready })
  } catch (error) {
    const message = startMessage(error)
    if (process.send)
      process.send({ type: 'failed', message, setting: addressFault(error) !== undefined }, () => process.exit(1))
    else {
      console.error(message)
      process.exit(1)
    }
  }
}

async function toldToBegin(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.on('message', ({ type }: { type?: unknown }) => {
      if (type === 'begin') resolve()
    })
  })
}

/** One clear line for what a person can mend; the whole story for what they cannot. */
function startMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const fault = addressFault(error)
  if (fault !== undefined) return fault
  return error.name.endsWith('Error') && error.name !== 'Error' && error.name !== 'TypeError'
    ? error.message
    : (error.stack ?? error.message)
}

/** What is wrong with the address that was set, where that is what failed. */
function addressFault(error: unknown): string | undefined {
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number }
  if (code === 'EADDRINUSE') return `port ${port ?? '?'} on ${address ?? 'this host'} is in use; set another port`
  if (code === 'EACCES' && port) return `port ${port} may not be opened by this user; set a port above 1023`
  if (code === 'EADDRNOTAVAIL') return `${address ?? 'the host'} is not an address of this machine`
  return undefined
}
