import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { takeSettingsOf } from './home.ts'

describe('settings of the installation, from another folder', () => {
  let home: string
  let here: string
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'heliograph-home-'))
    here = mkdtempSync(join(tmpdir(), 'heliograph-here-'))
  })
  afterAll(() => {
    for (const dir of [home, here]) rmSync(dir, { recursive: true })
  })
  const taken = (environment: NodeJS.ProcessEnv, from = here): NodeJS.ProcessEnv => {
    takeSettingsOf(home, environment, from)
    return environment
  }

  it('finds the data directory', () => {
    expect(taken({})).toEqual({ HELIO_DATA_DIR: join(home, 'data') })
    expect(taken({ HELIO_DATA_DIR: 'mine' })).toEqual({ HELIO_DATA_DIR: 'mine' })
    expect(taken({}, home)).toEqual({})
  })
  it('reads its .env, paths as they are meant there', () => {
    writeFileSync(join(home, '.env'), 'HELIO_DATA_DIR=./elsewhere\nHELIO_HTTP_PORT=9000\nOTHER=1\n')
    expect(taken({})).toEqual({ HELIO_DATA_DIR: join(home, 'elsewhere'), HELIO_HTTP_PORT: '9000' })
    writeFileSync(join(here, '.env'), 'HELIO_HTTP_PORT=9001\n')
    expect(taken({})).toEqual({ HELIO_DATA_DIR: join(home, 'elsewhere') })
  })
})
