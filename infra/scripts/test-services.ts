/**
 * `npm run test:services`: the conformance suites on real engines that can be reached; `--require all` turns one that is
 * missing into a failure. This release has embedded engines alone, which `npm test` runs: there is none to reach yet.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'

const root = join(import.meta.dirname, '../..')
const suites = readdirSync(join(root, 'infra'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.services.test.ts'),
)
if (suites.length === 0) {
  console.log('No engine beside the embedded ones exists in this release; their suites run with npm test.')
  process.exit(0)
}
const { status } = spawnSync('vitest', ['run', '--config', 'vitest.services.config.ts', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
process.exit(status ?? 1)
