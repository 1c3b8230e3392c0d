/** Databases of tests on a server of MySQL's kind. Making the tables takes seconds there: what a test leaves is emptied and used again. */
import { randomUUID } from 'node:crypto'
import type { RowDataPacket } from 'mysql2/promise'
import { mysqlAddress } from './mysql-address.ts'
import { openMysql } from './mysql-connection.ts'
import { migrateMysql } from './mysql-migrations.ts'
import type { TestDatabase } from './open-for-test.ts'

export interface TestDatabases {
  /** Without tables. */
  openNew(): Promise<TestDatabase>
  /** With tables and no rows. */
  openEmpty(): Promise<TestDatabase>
  /** Drops what is kept to be used again. */
  end(): Promise<void>
}

/** @param url of a server whose account may make databases */
export function createTestDatabases(url: string): TestDatabases {
  const kept: string[] = []

  async function using<R>(
    at: string,
    work: (connection: Awaited<ReturnType<typeof openMysql>>) => Promise<R>,
  ): Promise<R> {
    const connection = await openMysql(mysqlAddress(at))
    try {
      return await work(connection)
    } finally {
      connection.destroy()
    }
  }
  const drop = (at: string): Promise<unknown> =>
    using(url, (connection) => connection.query(`DROP DATABASE \`${mysqlAddress(at).database}\``))

  async function openNew(): Promise<TestDatabase> {
    const name = `helio_test_${randomUUID().replaceAll('-', '').slice(0, 16)}`
    await using(url, (connection) => connection.query(`CREATE DATABASE \`${name}\``))
    const at = new URL(url)
    at.pathname = `/${name}`
    return {
      url: at.href,
      async remove() {
        await drop(at.href)
      },
    }
  }
  const empty = (at: string): Promise<void> =>
    using(at, async (connection) => {
      await connection.query('SET SESSION foreign_key_checks = 0')
      const [tables] = await connection.query<RowDataPacket[]>(
        "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT LIKE '\\_%'",
      )
      await connection.query('BEGIN')
      for (const { name } of tables) await connection.query(`DELETE FROM \`${String(name)}\``)
      await connection.query('COMMIT')
    })

  return {
    openNew,
    async openEmpty() {
      let at = kept.pop()
      if (at === undefined) {
        at = (await openNew()).url
        await using(at, (connection) => migrateMysql(connection))
      }
      const used = at
      return {
        url: used,
        async remove() {
          await empty(used)
          kept.push(used)
        },
      }
    },
    async end() {
      for (const at of kept.splice(0)) await drop(at)
    },
  }
}

/** Kills all sessions of one database, whoever opened them: the server itself may be others' too. */
export async function killSessions(at: string): Promise<void> {
  const address = mysqlAddress(at)
  const connection = await openMysql(address)
  try {
    const [sessions] = await connection.query<RowDataPacket[]>(
      'SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = ? AND ID <> CONNECTION_ID()',
      [address.database],
    )
    // One that ended by itself meanwhile is as good.
    for (const { id } of sessions) await connection.query(`KILL ${Number(id)}`).catch(() => undefined)
  } finally {
    connection.destroy()
  }
}
