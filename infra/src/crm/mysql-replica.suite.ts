/**
 * A server of MySQL's kind whose replica is slow. Of its replicas the product knows nothing, but where replication is semi-synchronous, so
 * that what was acknowledged survives the loss of the server, every commit waits for one of them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RowDataPacket } from 'mysql2/promise'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CrmDatabase } from '@heliograph/crm-core/contracts'
import type { ownService } from '../../services/for-tests.ts'
import { seedCompany } from './crm-fixture.ts'
import { openCrm, openCrmReader } from './index.ts'
import { mysqlAddress } from './mysql-address.ts'
import { openMysql } from './mysql-connection.ts'
import { killSessions } from './mysql-databases.ts'

type Server = Awaited<ReturnType<typeof ownService>>

/** How one of the kinds says it. */
export interface ReplicationWords {
  /** Statements that make a server ready to be one or the other. The source waits before others see what it commits. */
  source: readonly string[]
  replica: readonly string[]
  /** Where the log of the source ends now: `File` and `Position`. */
  position: string
  follow(source: { port: number; user: string; password: string; file: string; position: number }): string
  enable: string
  start: string
  stop: string
  /** Variables and counters of semi-synchronous replication begin so. */
  semiSync: string
}

/** Longer than any of our own limits: it is the server that decides how long a commit waits. */
const PATIENCE_MS = 600_000
/** Beyond the longest a transaction may take. */
const LONG_MS = 33_000

/** @returns the rows of the last statement. A session of its own each time: one that says nothing for a while is ended. */
async function tell(server: Server, ...statements: string[]): Promise<RowDataPacket[]> {
  const connection = await openMysql(mysqlAddress(server.url()))
  try {
    let rows: RowDataPacket[] = []
    for (const sql of statements) [rows] = await connection.query<RowDataPacket[]>(sql)
    return rows
  } finally {
    connection.destroy()
  }
}

/** @param own starts a server of one's own, with more arguments */
export function describeSlowReplica(engine: string, own: (args: string[]) => Promise<Server>, words: ReplicationWords) {
  describe(`${engine} with a slow replica`, { timeout: 240_000 }, () => {
    let source: Server
    let replica: Server
    let db: CrmDatabase
    let company: Awaited<ReturnType<typeof seedCompany>>
    let round = 0

    beforeAll(async () => {
      source = await own(['--log-bin=binlog', '--server-id=1'])
      replica = await own(['--log-bin=binlog', '--server-id=2'])
      await tell(source, ...words.source)
      const [at] = await tell(source, words.position)
      const { port, user, password } = mysqlAddress(source.url())
      const place = { port, user, password, file: String(at!['File']), position: Number(at!['Position']) }
      await tell(replica, ...words.replica, words.enable, words.follow(place))
      await patience(PATIENCE_MS)
      await tell(source, `SET GLOBAL ${words.semiSync}_enabled = 1`)
      await tell(replica, words.start)
      await vi.waitFor(async () => expect(await status('clients')).toBe(1), { timeout: 60_000, interval: 100 })
      db = await openCrm({ url: source.url() })
      await db.start()
      expect(await status('status')).toBe('ON')
    }, 180_000)
    afterAll(async () => {
      await db?.stop()
      await replica?.remove()
      await source?.remove()
    })
    beforeEach(async () => {
      company = await seedCompany(db, `replica ${++round}`)
    })

    const patience = (ms: number) => tell(source, `SET GLOBAL ${words.semiSync}_timeout = ${ms}`)
    async function status(name: 'clients' | 'status'): Promise<unknown> {
      const [row] = await tell(source, `SHOW GLOBAL STATUS LIKE '${words.semiSync}_${name}'`)
      return name === 'clients' ? Number(row!['Value']) : row!['Value']
    }
    /** Held as it is, its connections with it: a replica whose disk or network hangs. */
    async function whileHeld<R>(work: () => Promise<R>): Promise<R> {
      const pid = replica.pid()!
      process.kill(pid, 'SIGSTOP')
      try {
        return await work()
      } finally {
        process.kill(pid, 'SIGCONT')
      }
    }
    const write = (name: string, by = db) =>
      by.systemIn(company.tenantId, 'test').transaction((tx) => tx.create('setting', { name, value: 1 }))
    const names = async () =>
      (await db.systemIn(company.tenantId, 'test').all('setting')).map(({ name }) => name).sort()
    const replicated = async () => {
      const rows = await tell(replica, `SELECT \`name\` FROM \`Setting\` WHERE \`tenantId\` = '${company.tenantId}'`)
      return rows.map((row) => String(row['name'])).sort()
    }
    async function expectEverywhere(...expected: string[]): Promise<void> {
      expect(await names()).toEqual(expected)
      await expect.poll(replicated, { timeout: 60_000 }).toEqual(expected)
    }
    /** What has become of it so far. */
    const watched = (write: Promise<unknown>) => {
      const seen = { outcome: 'waits', done: Promise.resolve() }
      seen.done = write.then(
        () => void (seen.outcome = 'written'),
        (error: { code?: string }) => void (seen.outcome = error.code ?? String(error)),
      )
      return seen
    }

    it('writes wait for it, however long, and reads do not', async () => {
      await write('a before')
      const reader = await openCrmReader({ url: source.url() })
      const [first, second] = await whileHeld(async () => {
        const writes = [watched(write('b held')), watched(write('c behind it'))] as const
        let slowest = 0
        for (const until = Date.now() + LONG_MS; Date.now() < until; await sleep(250)) {
          const asked = performance.now()
          expect(await names()).toContain('a before')
          expect((await reader.registry()).sites.length).toBeGreaterThan(0)
          expect(await db.health()).toMatchObject({ ok: true })
          slowest = Math.max(slowest, performance.now() - asked)
        }
        expect(slowest).toBeLessThan(10_000)
        expect(writes.map(({ outcome }) => outcome)).toEqual(['waits', 'waits'])
        return writes
      })
      await Promise.all([first.done, second.done])
      expect([first.outcome, second.outcome]).toEqual(['written', 'written'])
      await expectEverywhere('a before', 'b held', 'c behind it')
      await reader.stop()
    })

    it('another process is told that it cannot write now', async () => {
      const other = await openCrm({ url: source.url() })
      await other.start()
      const ours = await whileHeld(async () => {
        const ours = watched(write('a ours'))
        await sleep(500)
        const theirs = watched(write('b theirs', other))
        await Promise.race([theirs.done, sleep(120_000)])
        expect([ours.outcome, theirs.outcome]).toEqual(['waits', 'unavailable'])
        return ours
      })
      await ours.done
      expect(ours.outcome).toBe('written')
      await write('b theirs', other)
      await expectEverywhere('a ours', 'b theirs')
      await other.stop()
    })

    it('who tries the same again meanwhile has it once', async () => {
      const tries = await whileHeld(async () => {
        const tries = [watched(write('a once'))]
        await sleep(500)
        tries.push(watched(write('a once')))
        await sleep(500)
        return tries
      })
      await Promise.all(tries.map(({ done }) => done))
      expect(tries.map(({ outcome }) => outcome)).toEqual(['written', 'conflict'])
      await expectEverywhere('a once')
    })

    it('a session that is killed while its commit waits has written once', async () => {
      const killed = await whileHeld(async () => {
        const killed = watched(write('a killed'))
        await sleep(1_000)
        await killSessions(source.url())
        await sleep(1_000)
        return killed
      })
      await killed.done
      expect(killed.outcome).toBe('written')
      await expectEverywhere('a killed')
    })

    it('one that is gone holds writes up for as long as the server says, once, and catches up by itself', async () => {
      await patience(5_000)
      await replica.kill()
      const began = performance.now()
      await write('a alone')
      expect(performance.now() - began).toBeLessThan(25_000)
      const after = performance.now()
      await write('b alone')
      expect(performance.now() - after).toBeLessThan(4_500)
      await replica.start()
      // It followed by itself, and not semi-synchronously.
      await tell(replica, words.stop, words.enable, words.start)
      await expectEverywhere('a alone', 'b alone')
      await expect.poll(() => status('status'), { timeout: 30_000 }).toBe('ON')
    })
  })
}
