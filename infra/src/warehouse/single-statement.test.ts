import { describe, expect, it } from 'vitest'
import { isSingleStatement } from './single-statement.ts'

describe('a single statement', () => {
  it.each([
    'SELECT 1',
    'SELECT 1;',
    'SELECT 1 ;; \n',
    "SELECT ';'",
    "SELECT 'a\\';b'",
    "SELECT 'a'';b'",
    'SELECT `;`, ";"',
    'SELECT 1 -- ; DROP',
    'SELECT /* ; */ 1',
    '',
  ])('%j', (text) => {
    expect(isSingleStatement(text)).toBe(true)
  })
  it.each([
    'SELECT 1; SELECT 2',
    "SELECT 'a'; DROP TABLE t",
    "SELECT 'a\\\\'; DROP TABLE t",
    'SELECT 1 /* */; x',
    'SELECT 1 -- x\n; y',
    "SELECT ''';'; x",
  ])('is not %j', (text) => {
    expect(isSingleStatement(text)).toBe(false)
  })
})
