/**
 * Reads the part of Prisma's schema language that crm-core/prisma/schema.prisma uses. Everything derived from the schema
 * (SQLite schema, row types, column lists, first migrations, the check of the migrations) starts here.
 */
export type ColumnKind = 'string' | 'int' | 'bigint' | 'float' | 'boolean' | 'date' | 'json'

export interface SchemaColumn {
  name: string
  kind: ColumnKind
  optional: boolean
  /** Native type of MySQL: `VarChar(64)`. */
  native: string | undefined
  /** TypeScript type where the column's own says too little. */
  ts: string | undefined
  id: boolean
  unique: boolean
}
export interface SchemaRelation {
  name: string
  /** Of several relations between two models: what both sides call it. */
  label: string | undefined
  model: string
  optional: boolean
  list: boolean
  /** Own columns that refer to the other model's; empty on the other side. */
  fields: string[]
  references: string[]
}
export interface SchemaModel {
  name: string
  columns: SchemaColumn[]
  relations: SchemaRelation[]
  primaryKey: string[]
  uniques: string[][]
  indexes: string[][]
}

const SCALARS: Record<string, ColumnKind> = {
  String: 'string',
  Int: 'int',
  BigInt: 'bigint',
  Float: 'float',
  Boolean: 'boolean',
  DateTime: 'date',
  Json: 'json',
}

/** @throws Error naming the line that is not understood */
export function parsePrismaSchema(text: string): SchemaModel[] {
  const models: SchemaModel[] = []
  let model: SchemaModel | undefined
  let inOther = false
  for (const [index, line] of text.split('\n').entries()) {
    const [code = '', comment] = splitComment(line)
    const words = code.trim()
    const opening = /^(model|generator|datasource) (\w+) \{$/.exec(words)
    if (opening !== null) {
      inOther = opening[1] !== 'model'
      if (!inOther) {
        model = { name: opening[2]!, columns: [], relations: [], primaryKey: [], uniques: [], indexes: [] }
        models.push(model)
      }
    } else if (words === '}') {
      model = undefined
      inOther = false
    } else if (words !== '' && !inOther) {
      if (model === undefined) throw new Error(`schema.prisma line ${index + 1} is not understood: ${line.trim()}`)
      if (!addLine(model, words, comment))
        throw new Error(`schema.prisma line ${index + 1} is not understood: ${words}`)
    }
  }
  for (const each of models) {
    if (each.primaryKey.length === 0)
      each.primaryKey = each.columns.filter((column) => column.id).map(({ name }) => name)
    each.uniques.unshift(...each.columns.filter((column) => column.unique).map(({ name }) => [name]))
  }
  return models
}

function splitComment(line: string): [string, string | undefined] {
  const at = line.indexOf('//')
  return at < 0 ? [line, undefined] : [line.slice(0, at), line.slice(at).replace(/^\/+/, '').trim()]
}

function addLine(model: SchemaModel, words: string, comment: string | undefined): boolean {
  const block = /^@@(id|unique|index)\(\[([\w, ]+)\]\)$/.exec(words)
  if (block !== null) {
    const columns = block[2]!.split(',').map((name) => name.trim())
    if (block[1] === 'id') model.primaryKey = columns
    else (block[1] === 'unique' ? model.uniques : model.indexes).push(columns)
    return true
  }
  const field = /^(\w+)\s+(\w+)(\?|\[\])?(.*)$/.exec(words)
  if (field === null) return false
  const [, name, type, mark, attributes] = field as unknown as [string, string, string, string | undefined, string]
  const kind = SCALARS[type]
  if (kind === undefined) {
    const list = (key: string) =>
      new RegExp(`${key}: \\[([\\w, ]+)\\]`)
        .exec(attributes)?.[1]
        ?.split(',')
        .map((each) => each.trim()) ?? []
    model.relations.push({
      name,
      label: /@relation\("(\w+)"/.exec(attributes)?.[1],
      model: type,
      optional: mark === '?',
      list: mark === '[]',
      fields: list('fields'),
      references: list('references'),
    })
    return true
  }
  model.columns.push({
    name,
    kind,
    optional: mark === '?',
    native: /@db\.(\w+(?:\(\d+\))?)/.exec(attributes)?.[1],
    ts: comment?.startsWith('ts:') ? comment.slice(3).trim() : undefined,
    id: /@id\b/.test(attributes),
    unique: /@unique\b/.test(attributes),
  })
  return true
}

export const tableKey = (model: string): string => model.charAt(0).toLowerCase() + model.slice(1)

/** The schema as the generator of one engine's client takes it; for SQLite native types go and the provider changes. */
export function schemaFor(engine: 'sqlite' | 'mysql', text: string): string {
  const own = text
    .replace(/^\/\/ The CRM's tables, for MySQL.*$/m, '// Derived from crm-core/prisma/schema.prisma; do not edit.')
    .replace(/output( +)= "[^"]*"/, `output$1= "./${engine}"`)
  if (engine === 'mysql') return own
  return own.replace(/ +@db\.\w+(\(\d+\))?/g, '').replace('provider = "mysql"', 'provider = "sqlite"')
}
