/**
 * The second lock on other people's data: whatever a query's SQL says, the engine itself filters every table that has a
 * tenant (and a site) column by whose rows the caller may see.
 */
import type { DataScope } from '@heliograph/crm-core/contracts'

const literal = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/**
 * Value of `additional_table_filters` for a query, as a literal of a SETTINGS clause; undefined when it names no table
 * with tenants. A table that a text does not name cannot be read by it, so only named ones are listed.
 * @param tables columns by table name
 */
export function tableFilters(
  sql: string,
  scope: DataScope,
  tables: ReadonlyMap<string, ReadonlySet<string>>,
  database: string,
): string | undefined {
  const filters: string[] = []
  for (const [table, columns] of tables) {
    if (!columns.has('tenant_id') || !new RegExp(`\\b${table}\\b`).test(sql)) continue
    const parts = [`tenant_id = ${literal(scope.tenantId)}`]
    if (scope.siteIds && columns.has('site_id')) {
      // An empty list of sites sees nothing.
      const sites = scope.siteIds.map(literal).join(', ')
      parts.push(sites === '' ? '0' : `site_id IN (${sites})`)
    }
    filters.push(`${literal(`${database}.${table}`)}: ${literal(parts.join(' AND '))}`)
  }
  return filters.length === 0 ? undefined : `{${filters.join(', ')}}`
}
