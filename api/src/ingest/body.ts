import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { ProblemError } from '@heliograph/crm-core/contracts'

const gunzipBuffer = promisify(gunzip)
const GZIP_MAGIC = [0x1f, 0x8b] as const

/**
 * The bytes a client meant: unpacked where `content-encoding` says gzip, never more than the limit in memory.
 * @throws ProblemError `too_large` above the limit, `malformed_body` for broken gzip, `unsupported_media_type` for other encodings
 */
export async function plainBody(body: Uint8Array, encoding: string | undefined, maxBytes: number): Promise<Uint8Array> {
  const name = encoding?.trim().toLowerCase()
  if (name === undefined || name === '' || name === 'identity') return body
  if (name !== 'gzip' && name !== 'x-gzip') {
    throw new ProblemError(
      'unsupported_media_type',
      `content-encoding ${name.slice(0, 40)} is not taken; use gzip or none`,
    )
  }
  if (body.length < 18 || body[0] !== GZIP_MAGIC[0] || body[1] !== GZIP_MAGIC[1]) {
    throw new ProblemError('malformed_body', 'The body is not gzip')
  }
  try {
    return await gunzipBuffer(body, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new ProblemError('too_large', `The unpacked body is larger than ${maxBytes} bytes`, { cause: error })
    }
    throw new ProblemError('malformed_body', 'The gzip stream is broken', { cause: error })
  }
}
