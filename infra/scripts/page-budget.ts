/**
 * Script that each page needs, compressed, from the build: what a phone has to load before a page works. Fails above the budget of its
 * kind. `node infra/scripts/page-budget.ts` after `npm run build -w dashboard`.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../dashboard')
const KIB = 1024
/** Modules that come only when a page draws one, and what its page may weigh with them. */
const HEAVY = [
  { source: 'src/lib/charts/echarts.ts', budget: 320 * KIB },
  { source: 'src/lib/map/engine.ts', budget: 500 * KIB },
] as const
const PLAIN = 250 * KIB

interface Chunk {
  file: string
  src?: string
  imports?: string[]
  dynamicImports?: string[]
  assets?: string[]
}
const manifestFile = join(root, '.svelte-kit/output/client/.vite/manifest.json')
const appFile = join(root, '.svelte-kit/generated/build/client-optimized/app.js')
if (!existsSync(manifestFile) || !existsSync(appFile) || !existsSync(join(root, 'build/client'))) {
  console.error('page budget: there is no build yet; run `npm run build -w dashboard`')
  process.exit(1)
}
const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as Record<string, Chunk>

/** What a chunk needs before it runs: itself and all it imports. */
function closure(key: string, into: Set<string>): void {
  if (into.has(key)) return
  into.add(key)
  for (const next of manifest[key]?.imports ?? []) closure(next, into)
}
/** Bytes on the wire: as the server has it compressed, else as it is. */
function weight(file: string): number {
  const path = join(root, 'build/client', file)
  return statSync(existsSync(`${path}.br`) ? `${path}.br` : path).size
}
/** Chunks that the page may load later, from all it has loaded by then. */
function laterOf(loaded: ReadonlySet<string>): Set<string> {
  return new Set([...loaded].flatMap((key) => manifest[key]?.dynamicImports ?? []))
}
const isNode = (number: number) => (key: string) =>
  new RegExp(`/client-optimized/nodes/${String(number)}(\\.[jt]s)?$`).test(key)
function keyOf(matches: (key: string) => boolean, what: string): string {
  const key = Object.keys(manifest).find(matches)
  if (key === undefined) throw new Error(`page budget: the build has no ${what}`)
  return key
}

/** `"/(app)/fleet": [10,[2]]`: a page's node and those of its layouts; node 0 is the root layout. */
const routes = [...readFileSync(appFile, 'utf8').matchAll(/"(\/[^"]*)":\s*\[~?(\d+)(?:,\s*\[([\d,\s]*)\])?/g)].map(
  ([, route, page, layouts]) => ({
    route: route!.replaceAll(/\/\([^)]*\)/g, '') || '/',
    nodes: [
      0,
      ...(layouts ?? '')
        .split(',')
        .filter((part) => part.trim() !== '')
        .map(Number),
      Number(page),
    ],
  }),
)
if (routes.length === 0) throw new Error('page budget: no routes found in the build')

const entries = [
  keyOf((key) => key.endsWith('/runtime/client/entry.js') || key.endsWith('client/entry.js'), 'start script'),
  keyOf((key) => key.endsWith('client-optimized/app.js'), 'app script'),
]
let failed = false
for (const { route, nodes } of routes.sort((a, b) => a.route.localeCompare(b.route))) {
  const loaded = new Set<string>()
  for (const entry of entries) closure(entry, loaded)
  for (const node of nodes) closure(keyOf(isNode(node), `node ${String(node)}`), loaded)
  const first = sum(loaded)
  const schemas = holdsSchemas(loaded)
  let budget: number = PLAIN
  const later = laterOf(loaded)
  const drawn: string[] = []
  for (const { source, budget: allowed } of HEAVY) {
    const key = [...later].find((each) => each.endsWith(source))
    if (key === undefined) continue
    closure(key, loaded)
    drawn.push(source.split('/').at(-2)!)
    budget = Math.max(budget, allowed)
  }
  const whole = sum(loaded)
  const over = first > PLAIN || whole > budget || schemas
  failed ||= over
  const told = `${kib(first)}${whole === first ? '' : `, with ${drawn.join(' and ')} ${kib(whole)}`} of ${kib(budget)}${schemas ? ', the schema library among them: import words from a module without schemas' : ''}`
  console.log(`${over ? 'over' : 'ok  '}  ${route.padEnd(16)} ${told}`)
}
process.exit(failed ? 1 : 0)

function sum(keys: ReadonlySet<string>): number {
  const files = new Set<string>()
  for (const key of keys) {
    const chunk = manifest[key]
    if (chunk === undefined) continue
    if (chunk.file.endsWith('.js')) files.add(chunk.file)
    // The map's worker is an asset of its chunk.
    for (const asset of chunk.assets ?? []) if (/\.m?js$/.test(asset)) files.add(asset)
  }
  return [...files].reduce((total, file) => total + weight(file), 0)
}
/** Schemas are the server's to check by; a page that takes a word from beside them brings their library along, and runs what its policy refuses. */
function holdsSchemas(keys: ReadonlySet<string>): boolean {
  return [...keys].some((key) => readFileSync(join(root, 'build/client', manifest[key]!.file), 'utf8').includes('_zod'))
}
function kib(bytes: number): string {
  return `${String(Math.round(bytes / KIB))} KiB`
}
