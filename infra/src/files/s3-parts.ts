/**
 * Large files in several requests (S3's multipart upload): a part that is lost is sent again, not the whole. The file appears when the last
 * request is answered, whole or not at all; the sums of its parts are checked as that of a small one is.
 */
import { createHash } from 'node:crypto'
import { S3Error, textOf } from './s3-answer.ts'

/** Of each part but the last; S3's least is 5 MiB. */
export const PART_BYTES = 8 * 1024 * 1024
const AT_ONCE = 3

type Call = (path: string, init?: RequestInit) => Promise<Response>

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

/**
 * @param call one signed request that is tried again
 * @param path of the file within its bucket
 * @param headers its type, and how it is encrypted
 */
export async function putParts(
  call: Call,
  path: string,
  bytes: Uint8Array,
  headers: Record<string, string>,
): Promise<void> {
  const begun = await call(`${path}?uploads`, {
    method: 'POST',
    headers: { ...headers, 'x-amz-checksum-algorithm': 'SHA256' },
  })
  const uploadId = textOf(await begun.text(), 'UploadId')
  if (uploadId === undefined) throw new Error('the server began no upload')
  const query = `uploadId=${encodeURIComponent(uploadId)}`
  try {
    const parts = partsOf(bytes).map((part, index) => ({ part, number: index + 1, sum: sha256(part), tag: '' }))
    const waiting = [...parts]
    const send = async (): Promise<void> => {
      for (let each = waiting.shift(); each; each = waiting.shift()) {
        const response = await call(`${path}?partNumber=${each.number}&${query}`, {
          method: 'PUT',
          body: Buffer.from(each.part),
          headers: {
            'x-amz-content-sha256': each.sum.toString('hex'),
            'x-amz-checksum-sha256': each.sum.toString('base64'),
          },
        })
        await response.body?.cancel()
        each.tag = response.headers.get('etag') ?? ''
      }
    }
    const callOff = (error: unknown): never => {
      waiting.length = 0
      throw error
    }
    // All of them: a part that arrives when the upload is called off already would stay there.
    const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, () => send().catch(callOff)))
    for (const each of ended) if (each.status === 'rejected') throw each.reason
    await complete(
      call,
      path,
      query,
      `<CompleteMultipartUpload>${parts
        .map(
          ({ number, tag, sum }) =>
            `<Part><PartNumber>${number}</PartNumber><ETag>${tag.replaceAll('"', '&quot;')}</ETag><ChecksumSHA256>${sum.toString('base64')}</ChecksumSHA256></Part>`,
        )
        .join('')}</CompleteMultipartUpload>`,
      sumOfParts(parts.map(({ sum }) => sum)),
    )
  } catch (error) {
    // Parts that nobody asks for would be paid for until somebody clears them away.
    await call(`${path}?${query}`, { method: 'DELETE' }).catch(() => undefined)
    throw error
  }
}

async function complete(call: Call, path: string, query: string, body: string, sum: string): Promise<void> {
  try {
    const answer = await (
      await call(`${path}?${query}`, { method: 'POST', body, headers: { 'content-type': 'application/xml' } })
    ).text()
    // S3 begins with 200 and says afterwards how it went.
    const code = textOf(answer, 'Code')
    if (code !== undefined) throw new S3Error(200, code, textOf(answer, 'Message') ?? '')
  } catch (error) {
    // Done by a request whose answer was lost: what is there now is this file.
    if (!(error instanceof S3Error && error.code === 'NoSuchUpload')) throw error
    const there = await call(path, { method: 'HEAD', headers: { 'x-amz-checksum-mode': 'ENABLED' } })
    if (there.headers.get('x-amz-checksum-sha256') !== sum) throw error
  }
}

function partsOf(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += PART_BYTES) parts.push(bytes.subarray(at, at + PART_BYTES))
  return parts
}
/** As S3 says it of a file in parts: the sum of their sums, and how many there are. */
const sumOfParts = (sums: readonly Buffer[]): string =>
  `${sha256(Buffer.concat(sums)).toString('base64')}-${sums.length}`

/** @param sum as the server tells it, of the whole or of its parts */
export function isChecksumOf(sum: string, bytes: Uint8Array): boolean {
  if (!sum.includes('-')) return sha256(bytes).toString('base64') === sum
  const sums = partsOf(bytes).map(sha256)
  // Parts of another size are somebody else's file: their sum says nothing here.
  return sum.endsWith(`-${sums.length}`) ? sumOfParts(sums) === sum : true
}
