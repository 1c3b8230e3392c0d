/**
 * Whether a text holds one SQL statement alone. A ClickHouse server refuses several in one request; the embedded engine
 * would run them all, so the small server in front of it looks first.
 */
export function isSingleStatement(sql: string): boolean {
  let index = 0
  while (index < sql.length) {
    const char = sql[index]!
    if (char === "'" || char === '"' || char === '`') {
      index = endOfQuoted(sql, index)
    } else if (char === '-' && sql[index + 1] === '-') {
      const end = sql.indexOf('\n', index)
      index = end < 0 ? sql.length : end
    } else if (char === '/' && sql[index + 1] === '*') {
      const end = sql.indexOf('*/', index + 2)
      index = end < 0 ? sql.length : end + 2
    } else if (char === ';') {
      return /^[;\s]*$/.test(sql.slice(index))
    } else {
      index += 1
    }
  }
  return true
}

/** Index after the closing quote; a doubled quote and a backslash both escape. */
function endOfQuoted(sql: string, start: number): number {
  const quote = sql[start]
  for (let index = start + 1; index < sql.length; index++) {
    if (sql[index] === '\\') index += 1
    else if (sql[index] === quote) {
      if (sql[index + 1] !== quote) return index + 1
      index += 1
    }
  }
  return sql.length
}
