/** The rules as Prometheus reads them, and what they say of made-up series. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { debianCommand } from '../../services/debian.ts'
import { needTool } from '../../services/for-tests.ts'

describe('the rules for Prometheus', () => {
  let folder: string
  beforeAll(async () => {
    folder = await needTool('promtool')
  })
  function promtool(...words: string[]): string {
    const { program, args } = debianCommand(folder, 'usr/bin/promtool', words)
    return execFileSync(program, args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' })
  }

  it('can be read', () => {
    expect(promtool('check', 'rules', 'heliograph.rules.yaml')).toContain('SUCCESS')
  })
  it('raise what they should and nothing else', () => {
    expect(promtool('test', 'rules', join('heliograph.rules.test.yaml'))).toContain('SUCCESS')
  })
})
