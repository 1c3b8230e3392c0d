import { readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { askForReplaysAgain } from './copy-database.ts'

const MIGRATIONS = new URL('../../../migrations/sqlite/', import.meta.url)

it('asks again for replays that were under way since the store was copied, and for no others', () => {
  const copy = new DatabaseSync(':memory:')
  for (const file of readdirSync(MIGRATIONS).sort()) copy.exec(readFileSync(new URL(file, MIGRATIONS), 'utf8'))
  copy.exec(`INSERT INTO "Sequence" VALUES ('replay', 4)`)
  const insert = copy.prepare(
    `INSERT INTO "Replay" ("id", "tenantId", "revision", "kind", "state", "connectionId", "done", "total", "version", "createdAt", "updatedAt")
     VALUES (?, 't1', ?, 'range', ?, 'k1', 9, 9, 3, 50, ?)`,
  )
  insert.run('before', 1, 'done', 99)
  insert.run('meanwhile', 2, 'done', 100)
  insert.run('running', 3, 'running', 98)
  insert.run('failed-before', 4, 'failed', 97)
  askForReplaysAgain(copy, 100)
  const rows = copy
    .prepare(`SELECT "id", "revision", "state", "done", "connectionId" FROM "Replay" ORDER BY "revision"`)
    .all()
  expect(rows.slice(4).map((row) => ({ ...row }))).toEqual([
    { id: 'meanwhile-5', revision: 5, state: 'queued', done: 0, connectionId: 'k1' },
    { id: 'running-6', revision: 6, state: 'queued', done: 0, connectionId: 'k1' },
  ])
  expect({ ...copy.prepare(`SELECT "value" FROM "Sequence" WHERE "name" = 'replay'`).get() }).toEqual({ value: 6 })
  copy.close()
})
