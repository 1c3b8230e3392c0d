/** `npm run check`: everything that is judged without running the product. Runs all, then says what failed. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const steps: [string, string, string[]][] = [
  ['format', 'prettier', ['--check', '--log-level=warn', '.']],
  ['types', 'tsc', ['--noEmit', '-p', '.']],
  ['lint', 'eslint', ['--max-warnings=0', '--cache', '--cache-location', 'node_modules/.heliograph/eslint', '.']],
  ['page', 'npm', ['run', 'check', '-w', 'dashboard', '--silent']],
  [
    'import rules',
    'depcruise',
    [
      '--config',
      '.dependency-cruiser.mjs',
      'crm-core',
      'ingest',
      'stream',
      'api',
      'infra',
      'loadtest',
      'dashboard/src',
    ],
  ],
  ['dead code', 'knip', []],
  ['page weight', 'node', ['infra/scripts/page-budget.ts']],
  ['generated files', 'node', ['infra/scripts/generate.ts', '--check']],
]

const only = process.argv.slice(2)
const failed: string[] = []
for (const [name, program, args] of steps) {
  if (only.length > 0 && !only.includes(name)) continue
  const started = Date.now()
  const { status } = spawnSync(program, args, { cwd: root, stdio: 'inherit' })
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - started) / 1_000).toFixed(1)} s)`)
  if (status !== 0) failed.push(name)
}
if (failed.length > 0) {
  console.error(`check failed: ${failed.join(', ')}`)
  process.exit(1)
}
