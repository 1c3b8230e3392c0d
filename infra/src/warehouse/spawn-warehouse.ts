/** Starts the embedded warehouse as a child of this process: what tests, benches and the command line use where no supervisor runs. */
import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { TOKEN_HEADER } from './chdb-headers.ts'
import type { ClickhouseWarehouseOptions } from './clickhouse.ts'

export interface SpawnedWarehouse {
  /** For `createClickhouseWarehouse`. */
  connection: ClickhouseWarehouseOptions
  child: ChildProcess
  port: number
  token: string
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
}

/** @param dataDir folder of the engine's data; one process at a time */
export async function spawnWarehouse(
  dataDir: string,
  options: { port?: number; token?: string; maxWaiting?: number } = {},
): Promise<SpawnedWarehouse> {
  const token = options.token ?? randomBytes(24).toString('base64url')
  const child = fork(new URL('../bin/warehouse.ts', import.meta.url), {
    env: {
      ...process.env,
      UV_THREADPOOL_SIZE: '16',
      HELIOGRAPH_CHILD_WAREHOUSE: JSON.stringify({
        dataDir,
        token,
        port: options.port ?? 0,
        maxWaiting: options.maxWaiting,
      }),
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const port = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => reject(new Error(`the warehouse ended while it started (${signal ?? code})`)))
    child.on('message', (message: { type?: string; port?: number }) => {
      if (message.type === 'ready' && message.port !== undefined) resolve(message.port)
    })
  })
  return {
    connection: { url: `http://127.0.0.1:${port}`, headers: { [TOKEN_HEADER]: token } },
    child,
    port,
    token,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
