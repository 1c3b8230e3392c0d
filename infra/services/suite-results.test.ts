import { expect, it } from 'vitest'
import { suiteResult } from './suite-results.ts'

const result = (status: string, ...tests: [string, string][]) =>
  suiteResult({
    name: 'a.services.test.ts',
    status,
    assertionResults: tests.map(([state, fullName]) => ({ status: state, fullName })),
  })

it('tells a test that was left out from one that says nothing', () => {
  expect(
    result(
      'passed',
      ['passed', 'stores once'],
      ['skipped', 'a full disk (left out: mounting needs rights) acknowledges nothing'],
      ['pending', 'whatever comes'],
      ['todo', 'one day'],
      ['skipped', 'left out:'],
    ),
  ).toEqual({
    passed: 1,
    failed: 0,
    leftOut: ['a full disk (left out: mounting needs rights) acknowledges nothing'],
    silent: ['whatever comes', 'one day', 'left out:'],
  })
})

it('counts a file that did not load', () => {
  expect(result('failed')).toMatchObject({ passed: 0, failed: 1 })
  expect(result('failed', ['failed', 'a'], ['failed', 'b'])).toMatchObject({ failed: 2 })
})
