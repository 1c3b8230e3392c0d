/** Output of the commands: data on stdout, progress and complaints on stderr. */

/** A reader that has seen enough (`| head`) closes the pipe: that is no failure. */
export function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
      throw error
    })
}

/** One JSON value on a line of stdout. */
export const printJson = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`)
export const print = (line: string): void => void process.stdout.write(`${line}\n`)

const SPOKEN_EVERY_MS = 5_000
let shown = false
let spokenAt = 0
/** Replaces the line before it on a terminal; elsewhere (a log file, a pipe) it is a line now and then. */
export function progress(text: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\u001B[2K${text}`)
    shown = true
  } else if (Date.now() - spokenAt >= SPOKEN_EVERY_MS) {
    spokenAt = Date.now()
    process.stderr.write(`${text}\n`)
  }
}
/** A whole line on stderr. */
export function note(text: string): void {
  process.stderr.write(`${shown ? '\r\u001B[2K' : ''}${text}\n`)
  shown = false
}
