/**
 * Derives everything that follows from crm-core/prisma/schema.prisma:
 *   crm-core/contracts/ports/crm-rows.ts      row types (committed)
 *   crm-core/src/database/columns.ts          column kinds, keys and references for the access layer (committed)
 *   crm-core/src/database/relations.ts        which columns join the tables of each relation (committed)
 *   infra/src/crm/generated/                  schemas and Prisma clients per engine (not committed; made when the schema changed)
 *
 *   node infra/scripts/generate-prisma.ts            makes what is stale
 *   node infra/scripts/generate-prisma.ts --check    changes no committed file; exit 1 where one is stale
 *   node infra/scripts/generate-prisma.ts --ddl sqlite|mysql   prints the tables' SQL, to write a migration from
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { createStatements } from '../src/crm/ddl.ts'
import {
  parsePrismaSchema,
  schemaFor,
  tableKey,
  type SchemaColumn,
  type SchemaModel,
} from '../src/crm/prisma-schema.ts'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const schemaFile = path.join(root, 'crm-core/prisma/schema.prisma')
const generatedDir = path.join(root, 'infra/src/crm/generated')
const header = '// Made by infra/scripts/generate-prisma.ts from crm-core/prisma/schema.prisma; do not edit.\n'

const ENGINES = ['sqlite', 'mysql'] as const

const TS_TYPES: Record<SchemaColumn['kind'], string> = {
  string: 'string',
  int: 'number',
  bigint: 'number',
  float: 'number',
  boolean: 'boolean',
  date: 'Date',
  json: 'unknown',
}
/** Where the words used in `/// ts:` comments come from. */
const TS_IMPORTS: Record<string, string[]> = {
  '../log-records.ts': [],
  '../reading.ts': ['DeviceAttributes'],
  '../registry.ts': ['DeviceKind', 'DeviceRole'],
  '../resources/common.ts': ['Address'],
  '../resources/connections.ts': ['BrokerSettings', 'WebhookScheme'],
  '../contract-words.ts': ['ContractKind', 'ContractStatus', 'GuaranteeKind', 'ServiceHours'],
  '../resources/desk.ts': ['IncidentCause', 'NotifyChannel', 'Severity', 'TicketPriority', 'TicketStatus'],
  '../roles.ts': ['ApiKeyScope', 'Permission'],
}

function rowTypes(models: SchemaModel[]): string {
  const used = models.flatMap((model) => model.columns.map((column) => column.ts ?? '')).join(' ')
  const imports = Object.entries(TS_IMPORTS).flatMap(([file, names]) => {
    const present = names.filter((name) => new RegExp(`\\b${name}\\b`).test(used))
    return present.length === 0 ? [] : [`import type { ${present.join(', ')} } from '${file}'`]
  })
  const interfaces = models.map((model) => {
    const fields = model.columns.map((column) => {
      const type = column.ts ?? TS_TYPES[column.kind]
      return `  ${column.name}: ${type}${column.optional ? ' | null' : ''}`
    })
    return `export interface ${model.name}Row {\n${fields.join('\n')}\n}`
  })
  const map = models.map((model) => `  ${tableKey(model.name)}: ${model.name}Row`)
  return `${header}${imports.join('\n')}\n\n${interfaces.join('\n')}\n\n/** Every table with the shape of its rows. */\nexport interface CrmRows {\n${map.join('\n')}\n}\n`
}

function columnLists(models: SchemaModel[]): string {
  const tables = models.map((model) => {
    const columns = model.columns.map(
      (column) => `      ${column.name}: '${column.kind}${column.optional ? '?' : ''}',`,
    )
    const key = model.primaryKey.map((name) => `'${name}'`).join(', ')
    const references = model.relations
      .filter(({ fields }) => fields.length === 1)
      .map(({ fields, model: other }) => `${fields[0]}: '${tableKey(other)}'`)
    const inner = references.length === 0 ? '{}' : `{ ${references.join(', ')} }`
    return `  ${tableKey(model.name)}: {\n    columns: {\n${columns.join('\n')}\n    },\n    primaryKey: [${key}],\n    references: ${inner},\n  },`
  })
  return `${header}import type { TableName } from '../../contracts/index.ts'\n\nexport type ColumnKind = 'string' | 'int' | 'bigint' | 'float' | 'boolean' | 'date' | 'json'\nexport interface TableColumns {\n  /** Kind of each column; \`?\` where it may be null. */\n  columns: Readonly<Record<string, ColumnKind | \`\${ColumnKind}?\`>>\n  primaryKey: readonly string[]\n  /** Columns that hold another table's id. */\n  references: Readonly<Record<string, TableName>>\n}\n\nexport const TABLES: Readonly<Record<TableName, TableColumns>> = {\n${tables.join('\n')}\n}\n`
}

function relations(models: SchemaModel[]): string {
  const tables = models.map((model) => {
    const lines = model.relations.map((relation) => {
      const other = models.find(({ name }) => name === relation.model)!
      // On one side of each the schema says which columns join.
      const back = other.relations.find((each) => each.model === model.name && each.label === relation.label)!
      const [own, theirs] =
        relation.fields.length > 0 ? [relation.fields, relation.references] : [back.references, back.fields]
      const on = own.map((column, index) => `['${column}', '${theirs[index]!}']`).join(', ')
      return `    ${relation.name}: { table: '${tableKey(other.name)}', on: [${on}] },`
    })
    return lines.length === 0
      ? `  ${tableKey(model.name)}: {},`
      : `  ${tableKey(model.name)}: {\n${lines.join('\n')}\n  },`
  })
  return `${header}import type { TableName } from '../../contracts/index.ts'\n\nexport interface Relation {\n  table: TableName\n  /** Columns that are equal: of the table itself, of the other. */\n  on: readonly (readonly [own: string, other: string])[]\n}\n\nexport const RELATIONS: Readonly<Record<TableName, Readonly<Record<string, Relation>>>> = {\n${tables.join('\n')}\n}\n`
}

async function readOr(file: string, fallback: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return fallback
    throw error
  }
}

async function generateClients(source: string): Promise<void> {
  const require = createRequire(import.meta.url)
  const version = (require('prisma/package.json') as { version: string }).version
  const schemas = ENGINES.map((engine) => schemaFor(engine, source))
  const hash = createHash('sha256')
    .update([version, ...schemas].join('\n'))
    .digest('hex')
  const stamp = path.join(generatedDir, 'schema.hash')
  if ((await readOr(stamp, '')) === hash) return
  // Made beside the old ones and moved, so that a process that starts meanwhile never sees half of one.
  const next = `${generatedDir}.${process.pid}`
  await rm(next, { recursive: true, force: true })
  await mkdir(next, { recursive: true })
  const cli = path.join(path.dirname(require.resolve('prisma/package.json')), 'build/index.js')
  // Without these two, generate tries to download an engine it does not need and fails where only registries are reachable.
  const env = {
    ...process.env,
    PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
    CHECKPOINT_DISABLE: '1',
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
  }
  for (const [index, engine] of ENGINES.entries()) {
    const file = path.join(next, `${engine}.prisma`)
    await writeFile(file, schemas[index]!)
    await promisify(execFile)(process.execPath, [cli, 'generate', '--schema', file], { env, cwd: root })
  }
  await writeFile(path.join(next, 'schema.hash'), hash)
  await rm(generatedDir, { recursive: true, force: true })
  await rename(next, generatedDir)
  process.stderr.write('generated the Prisma clients\n')
}

async function main(): Promise<number> {
  const schema = await readFile(schemaFile, 'utf8')
  const models = parsePrismaSchema(schema)
  const ddl = process.argv.indexOf('--ddl')
  if (ddl > 0) {
    process.stdout.write(createStatements(models, process.argv[ddl + 1] === 'mysql' ? 'mysql' : 'sqlite'))
    return 0
  }
  const check = process.argv.includes('--check')
  let stale = 0
  for (const [file, text] of [
    ['crm-core/contracts/ports/crm-rows.ts', rowTypes(models)],
    ['crm-core/src/database/columns.ts', columnLists(models)],
    ['crm-core/src/database/relations.ts', relations(models)],
  ] as const) {
    const full = path.join(root, file)
    if ((await readOr(full, '')) === text) continue
    if (check) {
      process.stderr.write(`${file} is stale: run npm run generate\n`)
      stale++
    } else {
      await mkdir(path.dirname(full), { recursive: true })
      await writeFile(full, text)
      process.stderr.write(`wrote ${file}\n`)
    }
  }
  await generateClients(schema)
  return stale > 0 ? 1 : 0
}

process.exitCode = await main()
