/** SQL of the tables as the Prisma schema describes them: where first migrations come from, and what tests compare with. */
import type { ColumnKind, SchemaColumn, SchemaModel } from './prisma-schema.ts'

const SQLITE_TYPES: Record<ColumnKind, string> = {
  string: 'TEXT',
  int: 'INTEGER',
  bigint: 'BIGINT',
  float: 'REAL',
  boolean: 'BOOLEAN',
  date: 'DATETIME',
  json: 'JSONB',
}
const MYSQL_TYPES: Record<ColumnKind, string> = {
  string: 'VARCHAR(191)',
  int: 'INTEGER',
  bigint: 'BIGINT',
  float: 'DOUBLE',
  boolean: 'BOOLEAN',
  date: 'DATETIME(3)',
  json: 'JSON',
}

export const sqliteType = (column: SchemaColumn): string => SQLITE_TYPES[column.kind]
export const mysqlType = (column: SchemaColumn): string => column.native?.toUpperCase() ?? MYSQL_TYPES[column.kind]

/** CREATE statements of all models, parents first where MySQL needs it (foreign keys are added at the end there). */
export function createStatements(models: SchemaModel[], engine: 'sqlite' | 'mysql'): string {
  const q = (name: string) => (engine === 'sqlite' ? `"${name}"` : `\`${name}\``)
  const list = (names: string[]) => names.map(q).join(', ')
  const statements: string[] = []
  const foreignKeys: string[] = []
  for (const model of models) {
    const lines = model.columns.map((column) => {
      const type = engine === 'sqlite' ? sqliteType(column) : mysqlType(column)
      return `${q(column.name)} ${type}${column.optional ? ' NULL' : ' NOT NULL'}`
    })
    lines.push(`PRIMARY KEY (${list(model.primaryKey)})`)
    for (const relation of model.relations.filter(({ fields }) => fields.length > 0)) {
      const constraint = `FOREIGN KEY (${list(relation.fields)}) REFERENCES ${q(relation.model)} (${list(relation.references)})`
      const rules = 'ON DELETE NO ACTION ON UPDATE NO ACTION'
      if (engine === 'sqlite')
        lines.push(`CONSTRAINT ${q(`${model.name}_${relation.name}_fkey`)} ${constraint} ${rules}`)
      else
        foreignKeys.push(
          `ALTER TABLE ${q(model.name)} ADD CONSTRAINT ${q(`${model.name}_${relation.name}_fkey`)} ${constraint} ${rules};`,
        )
    }
    const tail = engine === 'sqlite' ? '' : ' DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci'
    statements.push(`CREATE TABLE ${q(model.name)} (\n  ${lines.join(',\n  ')}\n)${tail};`)
    for (const [unique, sets] of [
      ['UNIQUE ', model.uniques],
      ['', model.indexes],
    ] as const) {
      for (const columns of sets) {
        const name = `${model.name}_${columns.join('_')}_${unique === '' ? 'idx' : 'key'}`
        statements.push(`CREATE ${unique}INDEX ${q(name)} ON ${q(model.name)} (${list(columns)});`)
      }
    }
  }
  return [...statements, ...foreignKeys].join('\n') + '\n'
}
