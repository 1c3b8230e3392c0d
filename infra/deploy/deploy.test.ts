/** Files that other programs run: what they name must exist, and settings must be ones that a start accepts. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { readSettings } from '../src/settings.ts'

const root = join(import.meta.dirname, '../..')
const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, ...path), 'utf8')

const serviceSchema = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).optional(),
  // Nothing behind the colon is an empty text, which counts as not set.
  environment: z
    .record(
      z.string(),
      z
        .string()
        .nullable()
        .transform((value) => value ?? ''),
    )
    .optional(),
  volumes: z.array(z.string()).optional(),
  configs: z.array(z.object({ source: z.string(), target: z.string() })).optional(),
  depends_on: z.record(z.string(), z.looseObject({ condition: z.string() })).optional(),
  read_only: z.boolean().optional(),
  user: z.string().optional(),
  cap_drop: z.array(z.string()).optional(),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
})
const composeSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.unknown()).optional(),
  configs: z.record(z.string(), z.object({ file: z.string() })).optional(),
})
type Service = z.infer<typeof serviceSchema>

const composeFiles = globSync('compose*.yaml', { cwd: import.meta.dirname }).sort()
/** As compose fills them in: what has a default gets it, what must be given is given. */
const GIVEN: Record<string, string> = {
  HELIO_SECRET: '0123456789abcdef0123456789abcdef',
  HELIO_ADMIN_EMAIL: 'admin@example.test',
  HELIO_ADMIN_PASSWORD: 'a long enough password',
  HELIO_SERVICES_PASSWORD: 'of-the-engines',
}
const filled = (text: string): string =>
  text.replaceAll(/\$\{([A-Z_]+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind?: string, rest = '') => {
    if (GIVEN[name] !== undefined) return GIVEN[name]
    if (kind === '-') return rest
    throw new Error(`${name} has no default and is not known here`)
  })
const isOurs = ({ image }: Service): boolean => image.startsWith('heliograph:')

describe('the image', () => {
  const dockerfile = read('Dockerfile')
  it('is made of files that exist', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names]) => names!.split(' '))
    expect(copied.length).toBeGreaterThan(8)
    for (const name of copied) expect([name, existsSync(join(root, name))]).toEqual([name, true])
    for (const script of dockerfile.matchAll(/infra\/\S+?\.(?:ts|mjs)/g))
      expect(existsSync(join(root, script[0]))).toBe(true)
    const workspaces = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { workspaces: string[] })
      .workspaces
    for (const name of workspaces) expect(copied).toContain(`${name}/package.json`)
  })
  it('does not run as root, and says how it is', () => {
    const runtime = dockerfile.slice(dockerfile.lastIndexOf('FROM '))
    expect(runtime).toMatch(/^USER (?!0\b)\d+/m)
    expect(runtime).toMatch(/^HEALTHCHECK /m)
  })
})

describe.each(composeFiles)('%s', (file) => {
  const compose = composeSchema.parse(parse(filled(read(file)), { merge: true }))
  const services = Object.entries(compose.services)

  it('gives every part of ours settings that it starts with', () => {
    const ours = services.filter(([, service]) => isOurs(service))
    expect(ours.length).toBeGreaterThan(0)
    for (const [, { environment = {}, command = [] }] of ours) {
      expect(() =>
        readSettings({ HELIO_ENV: 'production', HELIO_DEMO: 'off', HELIO_DATA_DIR: '/data', ...environment }),
      ).not.toThrow()
      for (const word of command.filter((each) => each.endsWith('.ts'))) expect(existsSync(join(root, word))).toBe(true)
    }
  })
  it('lets no part of ours write to its image or have rights it does not need', () => {
    for (const [name, service] of services.filter(([, each]) => isOurs(each)))
      expect([name, service.read_only, service.user, service.cap_drop]).toEqual([name, true, '10001:10001', ['ALL']])
  })
  it('pins what others made, waits for their health, and keeps their data', () => {
    for (const [name, { image, healthcheck, volumes = [], configs = [], depends_on: needs = {} }] of services) {
      if (!image.startsWith('heliograph:')) {
        expect([name, /:[^:]*\d/.test(image)]).toEqual([name, true])
        expect([name, healthcheck !== undefined]).toEqual([name, true])
      }
      for (const volume of volumes.filter((each) => /^[a-z]/.test(each)))
        expect(Object.keys(compose.volumes ?? {})).toContain(volume.split(':')[0])
      for (const { source } of configs)
        expect(existsSync(join(import.meta.dirname, compose.configs![source]!.file))).toBe(true)
      for (const needed of Object.keys(needs)) expect(Object.keys(compose.services)).toContain(needed)
    }
  })
})

describe('rules and dashboard', () => {
  it('ask for figures that exist', () => {
    const documented = new Set(readFileSync(join(root, 'infra/docs/operators.md'), 'utf8').match(/helio_[a-z_]+/g))
    const asked = `${read('prometheus', 'heliograph.rules.yaml')} ${read('grafana', 'heliograph.json')}`
    const names = new Set(
      [...asked.matchAll(/(?<![:\w])helio_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, '')),
    )
    expect(names.size).toBeGreaterThan(8)
    for (const name of names) expect(documented).toContain(name)
  })
  it('place no panel over another', () => {
    const { panels } = JSON.parse(read('grafana', 'heliograph.json')) as {
      panels: { id: number; gridPos: { x: number; y: number; w: number } }[]
    }
    expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length)
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })
})
