/** Commands about the line from device to store. */
import { type Client, CliError, listAll, tenantsOf } from './client.ts'
import { note, progress } from './output.ts'

interface Ready {
  status: string
  parts: { name: string; state: string; lag: number; detail?: string }[]
}

const TELL_EVERY_MS = 1_000

/** Resolves when everything that came in so far is stored and rolled up; tells meanwhile how much is left. */
export async function drained(client: Client): Promise<void> {
  let waits = true
  let told = false
  const timer = setInterval(() => {
    client.call<Ready>('GET', '/readyz').then(
      ({ parts }) => {
        const behind = parts.filter(({ lag }) => lag > 0)
        if (!waits || behind.length === 0) return
        told = true
        progress(behind.map(({ name, lag }) => `${name}: ${lag} to go`).join(', '))
      },
      // A status that cannot be had is no reason to stop waiting.
      () => undefined,
    )
  }, TELL_EVERY_MS)
  try {
    await client.call('POST', '/api/v1/status/settle')
  } finally {
    waits = false
    clearInterval(timer)
  }
  if (told) note('stored')
}

export async function statusCommand(client: Client): Promise<void> {
  const { status, parts } = await client.call<Ready>('GET', '/readyz')
  console.log(status)
  for (const { name, state, lag, detail } of parts)
    console.log(`${name.padEnd(14)} ${state.padEnd(9)} ${lag} behind${detail ? `  ${detail}` : ''}`)
}

export interface ReplayOptions {
  from?: string
  to?: string
  connection?: string
}
export async function replayCommand(client: Client, options: ReplayOptions): Promise<void> {
  for (const tenantId of await tenantsOf(client)) {
    const { id } = await client.call<{ id: string }>(
      'POST',
      '/api/v1/replays',
      {
        ...(options.from && { from: options.from }),
        ...(options.to && { to: options.to }),
        ...(options.connection && { connectionId: options.connection }),
      },
      { tenantId },
    )
    for (;;) {
      const { state, done, total } = await client.call<{ state: string; done: number; total: number }>(
        'GET',
        `/api/v1/replays/${id}`,
        undefined,
        { tenantId },
      )
      process.stderr.write(`\r${done} of ${total} messages`)
      if (state === 'failed') throw new CliError(`\nreplay ${id} failed`)
      if (state === 'done') break
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    process.stderr.write('\n')
    console.log(JSON.stringify({ replayId: id, state: 'done' }))
  }
  await drained(client)
}

export async function deadLettersCommand(client: Client): Promise<void> {
  for (const tenantId of await tenantsOf(client))
    for (const letter of await listAll<object>(client, '/api/v1/dead-letters', tenantId))
      console.log(JSON.stringify(letter))
}
