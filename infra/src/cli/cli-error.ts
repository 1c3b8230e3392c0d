/** What a person can mend: one line on stderr, and exit code 1, or 2 where the command was not used as it should be. */
export class CliError extends Error {
  readonly exitCode: 1 | 2
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message)
    this.exitCode = exitCode
  }
}
