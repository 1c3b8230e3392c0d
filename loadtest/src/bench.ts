/**
 * Benchmarks: `npm run bench [-- name …] [--json FILE] [--quick] [--set name=value]`.
 * Every subject prints ours, the ceiling where there is one, and the ratio of the same run. Ends with 1 when a target was
 * missed, 2 on wrong usage.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { subjects } from './bench/subjects/index.ts'
import type { Measure } from './bench/lib/subject.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    set: { type: 'string', multiple: true, default: [] },
  },
})
const wanted = subjects.filter(({ name, needsServices }) =>
  positionals.length === 0 ? !needsServices : positionals.includes(name),
)
const unknown = positionals.filter((name) => !subjects.some((subject) => subject.name === name))
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}; there are ${subjects.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  at: new Date().toISOString(),
  /** Above about a quarter of the cores before we begin, other programs take part. */
  loadBefore: loadavg()[0]!,
}
console.log(
  `${machine.cores} x ${machine.cpu}, ${machine.memoryGb} GB, Node ${machine.node}, load before ${machine.loadBefore.toFixed(2)}`,
)

const results: { subject: string; title: string; measures: Measure[]; error?: string }[] = []
for (const { name, title, run } of wanted) {
  console.log(`\n${title}`)
  const dir = mkdtempSync(join(tmpdir(), `heliograph-bench-${name}-`))
  try {
    const measures = await run({
      quick: values.quick,
      set: new Map(values.set.map((entry) => entry.split('=', 2) as [string, string])),
      dir,
      log: (line) => console.log(`    ${line}`),
    })
    for (const measure of measures) console.log(`  ${row(measure)}`)
    results.push({ subject: name, title, measures })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    console.error(`  failed: ${message}`)
    results.push({ subject: name, title, measures: [], error: message })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ machine, quick: values.quick, results }, null, 2)}\n`)
const missed = results.flatMap(({ measures }) => measures).filter(({ met }) => met === false).length
const failed = results.filter(({ error }) => error !== undefined).length
console.log(`\n${missed} targets missed, ${failed} subjects failed`)
process.exit(missed + failed > 0 ? 1 : 0)

function row({ name, unit, ours, ceiling, ratio, target, met }: Measure): string {
  const figure = (value: number): string =>
    Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Math.round(value * 1000) / 1000)
  return [
    `${name}: ours ${figure(ours)} ${unit}`,
    ...(ceiling === undefined ? [] : [`ceiling ${figure(ceiling)} ${unit}`]),
    ...(ratio === undefined ? [] : [`ratio ${ratio.toFixed(3)}`]),
    ...(target === undefined ? [] : [`${target}: ${met ? 'met' : 'MISSED'}`]),
  ].join(', ')
}
