import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dataDirProblem } from './data-dir.ts'

describe('the data directory', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'heliograph-data-dir-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  it('is made with the folders above it, once', () => {
    const deep = join(dir, 'a', 'b', 'c')
    expect(dataDirProblem(deep)).toBeUndefined()
    expect(existsSync(deep)).toBe(true)
    expect(dataDirProblem(deep)).toBeUndefined()
  })

  it('is named where it cannot be', () => {
    writeFileSync(join(dir, 'file'), '')
    expect(dataDirProblem(join(dir, 'file'))).toMatch(/^HELIO_DATA_DIR: .*\/file/)
    expect(dataDirProblem(join(dir, 'file', 'below'))).toMatch(/^HELIO_DATA_DIR: .*file\/below/)
  })

  it.runIf(process.platform === 'linux')('is named where folders cannot be made and nothing says so', () => {
    expect(dataDirProblem('/proc/heliograph/data')).toMatch(/^HELIO_DATA_DIR: .*\/proc\/heliograph/)
  })
})
