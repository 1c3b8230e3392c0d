/**
 * `npm run test:services [-- --require all|NAMES] [names of suites]`: the conformance and end-to-end suites on the real engines
 * that can be had here. Says what was left out and why; `--require` turns that into a failure. Ends with counts per engine.
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

const root = join(import.meta.dirname, '../..')
const { values, positionals } = parseArgs({ options: { require: { type: 'string' } }, allowPositionals: true })
const services = await loadServices()
const required = requiredNames(values.require)

/** Engines that a suite asks for, by the calls in its text. */
const suites = readdirSync(join(root, 'infra'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.services.test.ts') && !file.includes('node_modules'))
  .map((file) => join('infra', file))
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
  run.length > 0 ? runSuites(run.map(({ file }) => file)) : { status: 0, files: new Map<string, Counts>() }
const counts = new Map<string, Counts>()
for (const { file, running, own } of run) {
  const { passed, failed } = results.files.get(file) ?? { passed: 0, failed: 1 }
  for (const name of new Set([...running, ...own])) {
    const sum = counts.get(name) ?? { passed: 0, failed: 0 }
    counts.set(name, { passed: sum.passed + passed, failed: sum.failed + failed })
  }
}

console.log('\nSuites by engine (a suite on two engines counts for both):')
for (const { name, version } of services) {
  const count = counts.get(name)
  const left = skipped.filter(({ running, own }) => running.has(name) || own.has(name)).length
  const text = count ? `${count.passed} passed, ${count.failed} failed` : left > 0 ? 'left out' : 'no suite'
  console.log(
    `  ${name.padEnd(10)} ${version.padEnd(15)} ${text}${count && left > 0 ? `, ${left} suites left out` : ''}`,
  )
}
for (const { file, running, own } of skipped) console.log(`left out: ${file}: ${faultOf(running, own).join('; ')}`)

let status = results.status
for (const name of required) {
  const why = absent.get(name) ?? skipped.find(({ running, own }) => running.has(name) || own.has(name))?.file
  if (why === undefined) continue
  console.error(`required: ${name}: ${why}`)
  status = 1
}
process.exit(status)

interface Counts {
  passed: number
  failed: number
}

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

function runSuites(files: string[]): { status: number; files: Map<string, Counts> } {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-suites-'))
  try {
    const report = join(folder, 'report.json')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const { status } = spawnSync('vitest', ['run', '--config', 'vitest.services.config.ts', ...reporters, ...files], {
      cwd: root,
      stdio: 'inherit',
    })
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
      testResults: { name: string; status: string; assertionResults: { status: string }[] }[]
    }
    const counted = testResults.map(({ name, status: whole, assertionResults }): [string, Counts] => {
      const passed = assertionResults.filter((each) => each.status === 'passed').length
      const failed = assertionResults.filter((each) => each.status === 'failed').length
      // A file that does not load has no tests to count.
      return [relative(root, name), { passed, failed: whole === 'failed' ? Math.max(failed, 1) : failed }]
    })
    return { status: status ?? 1, files: new Map(counted) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
