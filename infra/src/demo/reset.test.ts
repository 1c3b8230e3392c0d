import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSettings, type Settings } from '../settings.ts'
import { DEMO_TENANTS } from './plan.ts'
import { removeHalfDemo } from './reset.ts'
import { seedMark } from './reset-request.ts'
import { demoFile } from './state.ts'

let settings: Settings
beforeEach(() => {
  settings = readSettings({ HELIO_DATA_DIR: mkdtempSync(join(tmpdir(), 'heliograph-half-demo-test-')) })
})
afterEach(() => rmSync(settings.dataDir, { recursive: true, force: true }))

const file = () => join(settings.dataDir, 'crm.sqlite')
function tenants(...names: string[]): void {
  const database = new DatabaseSync(file())
  database.exec('CREATE TABLE "Tenant" ("name" TEXT)')
  for (const name of names) database.prepare('INSERT INTO "Tenant" VALUES (?)').run(name)
  database.close()
}

describe('a demo whose making was cut off', () => {
  it('is taken away, so that the next start makes it whole', () => {
    tenants(DEMO_TENANTS.demo.name)
    writeFileSync(seedMark(settings), '')
    expect(removeHalfDemo(settings)).toBe(true)
    expect(existsSync(file())).toBe(false)
    expect(existsSync(seedMark(settings))).toBe(false)
  })
  it('stays where it is whole, and where there is more than the demo', () => {
    tenants(DEMO_TENANTS.demo.name, 'Somebody else')
    expect(removeHalfDemo(settings)).toBe(false)
    writeFileSync(seedMark(settings), '')
    expect(removeHalfDemo(settings)).toBe(false)
    writeFileSync(demoFile(settings), '{}')
    expect(removeHalfDemo(settings)).toBe(false)
    expect(existsSync(file())).toBe(true)
  })
})
