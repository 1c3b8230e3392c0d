/** What a server of S3 answers with beside files. */

/** The server said no. */
export class S3Error extends Error {
  readonly status: number
  /** S3's own word, such as `NoSuchBucket`. */
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(`${status} ${code}${message ? `: ${message}` : ''}`)
    this.name = 'S3Error'
    this.status = status
    this.code = code
  }
}

/** Of the first element of that name. */
export const textOf = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
