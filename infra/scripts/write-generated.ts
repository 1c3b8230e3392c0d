import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { format, resolveConfig } from 'prettier'

const root = join(import.meta.dirname, '../..')

/** Writes a generated file; with `--check` it writes nothing and exits 1 with one line when the committed one is stale. */
export async function writeGenerated(
  file: string,
  source: string,
  parser: 'typescript' | 'json' = 'typescript',
): Promise<void> {
  const text = await format(source, { ...(await resolveConfig(file)), parser })
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text)
    return
  }
  let current = ''
  try {
    current = readFileSync(file, 'utf8')
  } catch {
    // No file yet counts as a stale one.
  }
  if (current === text) return
  process.stderr.write(`${relative(root, file)} is stale: run npm run generate\n`)
  process.exitCode = 1
}

/** The one constant a file of a folder exports through a `define…` call, for indexes. */
export function definedName(source: string, define: string, file: string): string {
  const names = [...source.matchAll(new RegExp(`^export const (\\w+)\\b[^=\\n]*= ${define}\\b`, 'gm'))].map(
    (match) => match[1],
  )
  const [name] = names
  if (names.length !== 1 || name === undefined)
    throw new Error(`${file} must export exactly one ${define}(…), it has ${names.length}`)
  return name
}
