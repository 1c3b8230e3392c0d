/**
 * `npm run test:services [-- --require all|NAMES] [--long] [names of suites]`: the conformance and end-to-end suites on the real
 * engines that can be had here. Says what was left out and why; `--require` turns that into a failure, and so a single test that was
 * skipped and does not say why. `--long` kills everything for ten minutes instead of two, leaves InfluxDB away for as long, and runs more chapters of the line. Ends with counts per engine.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { loadServices } from '../services/catalogue.ts'
import { runFolder } from '../services/folders.ts'
import { isInstalled, missingCommands } from '../services/install.ts'
import { createInstance } from '../services/instance.ts'
import type { Service } from '../services/service.ts'
import { type FileResult, suiteResult, type SuiteResult } from '../services/suite-results.ts'

const root = join(import.meta.dirname, '../..')
const { values, positionals } = parseArgs({
  options: { require: { type: 'string' }, long: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const LONG_S = '600'
const services = await loadServices()
const required = requiredNames(values.require)

/** What has no service here: its protocol is spoken for real, to a server in the test's own process. */
const STAND_INS = [
  { what: 'ClickHouse over HTTP', call: 'startTestClickhouse(' },
  { what: 'SMTP', call: 'createTestMailServer(' },
  { what: 'SMS over HTTP', call: 'createTestSmsServer(' },
] as const

const testFiles = readdirSync(join(root, 'infra'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
  .map((file) => join('infra', file))

/** Engines that a suite asks for, by the calls in its text. */
const suites = testFiles
  .filter((file) => file.endsWith('.services.test.ts'))
  .filter((file) => positionals.length === 0 || positionals.some((name) => file.includes(name)))
  .sort()
  .map((file) => ({ file, ...needsOf(file) }))

const absent = new Map<string, string>()
for (const service of services) {
  const why = await whyAbsent(service)
  if (why !== undefined) absent.set(service.name, why)
}
const run = suites.filter(({ running, own }) => faultOf(running, own).length === 0)
const skipped = suites.filter((suite) => !run.includes(suite))

const results =
  run.length > 0 ? runSuites(run.map(({ file }) => file)) : { status: 0, files: new Map<string, SuiteResult>() }
const counts = new Map<string, { passed: number; failed: number; skipped: number }>()
const nothing: SuiteResult = { passed: 0, failed: 1, leftOut: [], silent: [] }
for (const { file, running, own } of run) {
  const { passed, failed, leftOut, silent } = results.files.get(file) ?? nothing
  for (const name of new Set([...running, ...own])) {
    const sum = counts.get(name) ?? { passed: 0, failed: 0, skipped: 0 }
    counts.set(name, {
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      skipped: sum.skipped + leftOut.length + silent.length,
    })
  }
}

console.log('\nSuites by engine (a suite on two engines counts for both):')
for (const { name, version } of services) {
  const count = counts.get(name)
  const left = skipped.filter(({ running, own }) => running.has(name) || own.has(name)).length
  const skips = count && count.skipped > 0 ? `, ${count.skipped} skipped` : ''
  const text = count ? `${count.passed} passed, ${count.failed} failed${skips}` : left > 0 ? 'left out' : 'no suite'
  console.log(
    `  ${name.padEnd(10)} ${version.padEnd(15)} ${text}${count && left > 0 ? `, ${left} suites left out` : ''}`,
  )
}
for (const { file, running, own } of skipped) console.log(`left out: ${file}: ${faultOf(running, own).join('; ')}`)

for (const { what, call } of STAND_INS) {
  const using = testFiles.filter((file) => readFileSync(join(root, file), 'utf8').includes(call))
  const here = run.filter(({ file }) => using.includes(file)).length
  console.log(
    `  ${what}: in ${here} of these suites, and in ${using.length - suites.filter(({ file }) => using.includes(file)).length} of "npm test"`,
  )
}
for (const [file, { leftOut }] of results.files) for (const name of leftOut) console.log(`left out: ${file}: ${name}`)

let status = results.status
for (const [file, { silent }] of results.files)
  for (const name of silent) {
    console.log(`skipped without a reason: ${file}: ${name}`)
    if (values.require !== undefined) status = 1
  }
for (const name of required) {
  const why = absent.get(name) ?? skipped.find(({ running, own }) => running.has(name) || own.has(name))?.file
  if (why === undefined) continue
  console.error(`required: ${name}: ${why}`)
  status = 1
}
process.exit(status)

function requiredNames(text: string | undefined): string[] {
  if (text === undefined) return []
  if (text === 'all') return services.map(({ name }) => name)
  const names = text.split(',').filter(Boolean)
  const unknown = names.filter((name) => !services.some((service) => service.name === name))
  if (unknown.length === 0) return names
  console.error(
    `--require: there is no service ${unknown.join(', ')}; known: ${services.map(({ name }) => name).join(', ')}`,
  )
  process.exit(2)
}

function needsOf(file: string): { running: Set<string>; own: Set<string> } {
  const text = readFileSync(join(root, file), 'utf8')
  const names = (call: string): Set<string> =>
    new Set([...text.matchAll(new RegExp(`\\b${call}\\('([a-z0-9]+)'`, 'g'))].map((found) => found[1]!))
  return { running: new Set([...names('needService'), ...names('needTool')]), own: names('ownService') }
}

/** Why a service cannot be used; undefined where it can. */
async function whyAbsent(service: Service): Promise<string | undefined> {
  const { name } = service
  if (!isInstalled(service)) {
    const missing = missingCommands(service)
    return `${name} is not installed: npm run services -- install ${name}${missing.length > 0 ? ` (needs ${missing.join(', ')})` : ''}`
  }
  if (!service.run || (await createInstance(service, runFolder(name)).answers())) return undefined
  return `${name} does not run: npm run services -- up ${name}`
}
function faultOf(running: Set<string>, own: Set<string>): string[] {
  const faults = [...running].flatMap((name) => absent.get(name) ?? (known(name) ? [] : `there is no service ${name}`))
  // A suite that starts its own needs the files alone.
  for (const name of own) {
    const service = services.find((each) => each.name === name)
    if (!service || !isInstalled(service)) faults.push(absent.get(name) ?? `there is no service ${name}`)
  }
  return [...new Set(faults)]
}
function known(name: string): boolean {
  return services.some((service) => service.name === name)
}

function runSuites(files: string[]): { status: number; files: Map<string, SuiteResult> } {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-suites-'))
  try {
    const report = join(folder, 'report.json')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const { status } = spawnSync('vitest', ['run', '--config', 'vitest.services.config.ts', ...reporters, ...files], {
      cwd: root,
      stdio: 'inherit',
      env: { ...(values.long && { HELIO_TEST_KILLS_S: LONG_S, HELIO_TEST_LONG: 'yes' }), ...process.env },
    })
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
      testResults: FileResult[]
    }
    const counted = testResults.map((file): [string, SuiteResult] => [relative(root, file.name), suiteResult(file)])
    return { status: status ?? 1, files: new Map(counted) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
