import { describe, expect, it } from 'vitest'
import type { Condition } from './engine.ts'
import { fold } from './fold.ts'

describe('folding of conditions', () => {
  const cases: [string, Condition, Condition | boolean][] = [
    ['one of nothing inside "and" is nothing, not everything', { AND: [{ a: 1 }, { OR: [] }] }, false],
    ['one of nothing below a relation is nothing', { AND: [{ a: 1 }, { site: { OR: [] } }] }, false],
    ['one of nothing below a list relation is nothing', { above: { some: { OR: [] } } }, false],
    ['nothing among others is left out', { OR: [{ OR: [] }, { a: 1 }] }, { a: 1 }],
    ['not nothing is everything', { NOT: { OR: [] } }, true],
    ['not everything is nothing', { AND: [{ a: 1 }, { NOT: {} }] }, false],
    ['everything among others is everything', { OR: [{ a: 1 }, {}] }, true],
    ['all of nothing is everything', { AND: [] }, true],
    ['in an empty list is nothing', { a: { in: [] } }, false],
    ['not in an empty list asks nothing', { a: { notIn: [] } }, true],
    ['null is a value', { a: null }, { a: null }],
    ['several keys are all of them', { a: 1, b: { gt: 2 } }, { AND: [{ a: 1 }, { b: { gt: 2 } }] }],
    ['relations are kept', { site: { customerId: { in: ['x'] } } }, { site: { is: { customerId: { in: ['x'] } } } }],
    ['list relations are kept', { above: { some: { a: 1 } } }, { above: { some: { a: 1 } } }],
  ]
  for (const [name, condition, expected] of cases) it(name, () => expect(fold(condition)).toEqual(expected))
})
