/** The embedded warehouse alone, on a data directory whose server is stopped: for counting rows and for ceilings. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { startChild } from './processes.ts'
import { BIN } from './server.ts'

export interface Store {
  rows<T>(sql: string): Promise<T[]>
  bytes(sql: string): Promise<Buffer>
  /** Inserts ready-made blocks. */
  insert(sql: string, body: Buffer, settings?: Record<string, string>): Promise<void>
  run(sql: string): Promise<void>
  stop(): Promise<void>
}

export async function openStore(dataDir: string): Promise<Store> {
  const token = randomBytes(24).toString('base64url')
  const child = await startChild(join(BIN, 'warehouse.ts'), {
    env: {
      HELIOGRAPH_CHILD_WAREHOUSE: JSON.stringify({ dataDir: join(dataDir, 'warehouse'), token, port: 0 }),
      UV_THREADPOOL_SIZE: '16',
    },
  })
  const url = `http://127.0.0.1:${child.ready.port as number}/?database=heliograph`
  async function call(sql: string, body?: Buffer, settings: Record<string, string> = {}): Promise<Buffer> {
    const more = new URLSearchParams({ ...settings, ...(body && { query: sql }) }).toString()
    const response = await fetch(more ? `${url}&${more}` : url, {
      method: 'POST',
      headers: { 'x-helio-token': token, 'x-helio-lane': 'heavy' },
      body: body ? new Uint8Array(body) : sql,
    })
    const answer = Buffer.from(await response.arrayBuffer())
    if (!response.ok) throw new Error(`${sql.slice(0, 200)}: ${answer.toString().slice(0, 500)}`)
    return answer
  }
  return {
    async rows<T>(sql: string) {
      const text = (await call(`${sql} FORMAT JSONEachRow`)).toString()
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as T)
    },
    bytes: (sql) => call(sql),
    async insert(sql, body, settings) {
      await call(sql, body, settings)
    },
    async run(sql) {
      await call(sql)
    },
    async stop() {
      await child.stop()
    },
  }
}

/** Rows as every reader sees them: one per device and instant. */
export async function countReadings(dataDir: string): Promise<number> {
  const store = await openStore(dataDir)
  try {
    const [row] = await store.rows<{ count: string | number }>('SELECT count() AS count FROM readings FINAL')
    return Number(row?.count ?? 0)
  } finally {
    await store.stop()
  }
}
