/** What became of the tests of a suite, from the report that vitest writes. */

export interface FileResult {
  name: string
  status: string
  assertionResults: readonly { status: string; fullName: string }[]
}
export interface SuiteResult {
  passed: number
  failed: number
  /** Full names of tests that did not run, and whose names say why. */
  leftOut: string[]
  /** Those that say nothing. */
  silent: string[]
}

/** By which a name says why its test did not run. */
const REASON = /\bleft out: ./

export function suiteResult({ status, assertionResults }: FileResult): SuiteResult {
  const named = (...states: string[]): string[] =>
    assertionResults.filter((each) => states.includes(each.status)).map(({ fullName }) => fullName)
  const failed = named('failed').length
  const skipped = assertionResults
    .filter((each) => each.status !== 'passed' && each.status !== 'failed')
    .map(({ fullName }) => fullName)
  return {
    passed: named('passed').length,
    // A file that does not load has no tests to count.
    failed: status === 'failed' ? Math.max(failed, 1) : failed,
    leftOut: skipped.filter((name) => REASON.test(name)),
    silent: skipped.filter((name) => !REASON.test(name)),
  }
}
