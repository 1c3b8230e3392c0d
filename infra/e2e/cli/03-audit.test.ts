/** A changed audit trail is told. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Instance } from '../line/instance.ts'
import { command, good } from './command.ts'

interface Verdict {
  tenantId: string
  ok: boolean
  entries: number
  anchor: { seq: number } | null
  broken: { seq: number; reason: string } | null
}

describe('audit verify', { timeout: 180_000 }, () => {
  let instance: Instance
  let tenantId: string
  beforeAll(async () => {
    instance = await Instance.start()
    const api = await instance.api()
    for (const name of ['First', 'Second', 'Third']) await api.customer(name)
    ;({ tenantId } = (await good(instance.dataDir, ['tenant', 'list']))
      .json<{ id: string }>()
      .map(({ id }) => ({ tenantId: id }))[0]!)
  })
  afterAll(() => instance.remove())

  /** Changes the database as somebody would who has its file. */
  const tamper = async (statement: string): Promise<Verdict> => {
    await instance.end()
    const database = new DatabaseSync(join(instance.dataDir, 'crm.sqlite'))
    database.exec(statement)
    database.close()
    await instance.start()
    const ran = await command(instance.dataDir, ['audit', 'verify'])
    expect(ran.code).toBe(1)
    return ran.json<Verdict>().find((verdict) => verdict.tenantId === tenantId)!
  }

  it('holds for what was written, and says how many entries', async () => {
    const [verdict] = (await good(instance.dataDir, ['audit', 'verify'])).json<Verdict>()
    expect(verdict).toMatchObject({ ok: true, broken: null })
    expect(verdict!.entries).toBeGreaterThan(3)
  })
  it('tells that the details of an entry were changed', async () => {
    const verdict = await tamper(
      `UPDATE "Audit" SET "details" = replace("details", 'Second', 'Sekund') WHERE "details" LIKE '%Second%'`,
    )
    expect(verdict.broken?.reason).toBe('details_changed')
    await instance.end()
    const database = new DatabaseSync(join(instance.dataDir, 'crm.sqlite'))
    database.exec(
      `UPDATE "Audit" SET "details" = replace("details", 'Sekund', 'Second') WHERE "details" LIKE '%Sekund%'`,
    )
    database.close()
    await instance.start()
    await good(instance.dataDir, ['audit', 'verify'])
  })
  it('tells that entries were taken off the end, since the head stands on the log too', async () => {
    // Stopping anchors the heads.
    const verdict = await tamper(
      `DELETE FROM "Audit" WHERE "tenantId" = '${tenantId}' AND "seq" = (SELECT max("seq") FROM "Audit" WHERE "tenantId" = '${tenantId}')`,
    )
    expect(verdict).toMatchObject({ ok: false, broken: { reason: 'cut_off' } })
  })
  it('tells that one in the middle is missing', async () => {
    const verdict = await tamper(`DELETE FROM "Audit" WHERE "tenantId" = '${tenantId}' AND "seq" = 2`)
    expect(verdict.broken).toEqual({ seq: 2, reason: 'missing' })
  })
})
