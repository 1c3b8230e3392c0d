/**
 * Files in a bucket of anything that speaks S3 (AWS, MinIO, Ceph, …): `s3://KEY:SECRET@host:port/bucket`. One request per
 * file, or one per part of a large one. What is stored carries its SHA-256, which both sides check.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { AwsClient } from 'aws4fetch'
import { z } from 'zod'
import { fileKeyPattern, type FileStore } from '@heliograph/crm-core/contracts'
import { addressOf, EngineFaultError, whyUnreachable } from '../engine-fault.ts'
import { S3Error, textOf } from './s3-answer.ts'
import { isChecksumOf, PART_BYTES, putParts, sha256 } from './s3-parts.ts'

const SETTING = 'HELIO_FILES_URL'
const ATTEMPT_MS = 20_000
const TRIES = 5
const FIRST_WAIT_MS = 200
/** Of one file; what is larger was not put there by us. */
const MAX_BYTES = 256 * 1024 * 1024
/** Of an answer that is a list or an error. */
const MAX_XML_BYTES = 4 * 1024 * 1024

const parameters = z.strictObject({
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, { error: 'region= is a name such as eu-central-1' })
    .default('us-east-1'),
  tls: z.enum(['required', 'off'], { error: 'tls= is one of required, off' }).optional(),
  sse: z.enum(['AES256', 'aws:kms'], { error: 'sse= is one of AES256, aws:kms' }).optional(),
  links: z
    .url({
      protocol: /^https?$/,
      error: 'links= is where browsers reach the bucket, such as https://files.example.com',
    })
    .transform((text) => new URL(text).origin)
    .optional(),
})

interface S3Address {
  /** Of the bucket, without a slash at its end. */
  base: string
  bucket: string
  /** Before every key, with a slash at its end; or empty. */
  folder: string
  region: string
  sse: 'AES256' | 'aws:kms' | undefined
  /** Where browsers reach the server; absent: they do not. */
  links: string | undefined
  client: AwsClient
  shown: string
}

/** @throws EngineFaultError where the URL does not say enough */
function s3Address(url: URL): S3Address {
  const parsed = parameters.safeParse(Object.fromEntries(url.searchParams))
  if (!parsed.success)
    throw new EngineFaultError(
      SETTING,
      parsed.error.issues
        .map((issue) =>
          issue.code === 'unrecognized_keys'
            ? `knows no ${issue.keys.join(', ')}=; only ${Object.keys(parameters.shape).join(', ')}`
            : issue.message,
        )
        .join('; '),
    )
  const [bucket, ...folders] = url.pathname.split('/').filter(Boolean)
  if (!url.hostname || url.username === '' || url.password === '' || bucket === undefined)
    throw new EngineFaultError(SETTING, 'write s3://KEY:SECRET@host:port/bucket')
  const { region, sse, tls, links } = parsed.data
  const plain = (tls ?? (isLoopback(url.hostname) ? 'off' : 'required')) === 'off'
  return {
    base: `${plain ? 'http' : 'https'}://${url.host}/${bucket}`,
    bucket,
    folder: folders.map((each) => `${each}/`).join(''),
    region,
    sse,
    links,
    shown: addressOf(url, plain ? 80 : 443),
    client: new AwsClient({
      accessKeyId: decodeURIComponent(url.username),
      secretAccessKey: decodeURIComponent(url.password),
      service: 's3',
      region,
      // Tries are counted here, where the body is at hand.
      retries: 0,
    }),
  }
}

/** @throws EngineFaultError where the URL does not say enough */
export function createS3Files(url: URL): FileStore {
  const address = s3Address(url)
  const ending = new AbortController()

  const at = (key: string): string => {
    if (!fileKeyPattern.test(key)) throw new Error(`"${key.slice(0, 50)}" is no key of a file`)
    return `/${address.folder}${key}`
  }
  const call = (path: string, init: RequestInit = {}): Promise<Response> => ask(address, path, init, ending.signal)

  return {
    start: () => Promise.resolve(),
    stop() {
      ending.abort()
      return Promise.resolve()
    },
    async health() {
      try {
        const response = await ask(address, '?list-type=2&max-keys=1', {}, ending.signal, 1)
        await response.body?.cancel()
        return { ok: true }
      } catch (error) {
        return { ok: false, detail: explain(error, address) }
      }
    },
    async put(key, bytes, contentType) {
      const headers = {
        'content-type': contentType,
        ...(address.sse && { 'x-amz-server-side-encryption': address.sse }),
      }
      if (bytes.length > 2 * PART_BYTES) return await putParts(call, at(key), bytes, headers)
      const hash = sha256(bytes)
      const response = await call(at(key), {
        method: 'PUT',
        body: Buffer.from(bytes),
        headers: {
          ...headers,
          // Signed as it is, and kept beside the file: a body that was damaged on the way is refused.
          'x-amz-content-sha256': hash.toString('hex'),
          'x-amz-checksum-sha256': hash.toString('base64'),
        },
      })
      await response.body?.cancel()
    },
    async get(key) {
      for (let tries = 1; ; tries++) {
        let response: Response
        try {
          response = await call(at(key), { headers: { 'x-amz-checksum-mode': 'ENABLED' } })
        } catch (error) {
          if (error instanceof S3Error && error.status === 404 && error.code !== 'NoSuchBucket') return undefined
          throw error
        }
        try {
          const bytes = await readAll(response, MAX_BYTES)
          const expected = response.headers.get('x-amz-checksum-sha256')
          if (expected !== null && !isChecksumOf(expected, bytes)) throw new Error(`the file "${key}" came damaged`)
          return { bytes, contentType: response.headers.get('content-type') ?? 'application/octet-stream' }
        } catch (error) {
          // Cut off or changed on the way: the file itself may be whole.
          if (tries >= TRIES || ending.signal.aborted) throw error
          await sleep(FIRST_WAIT_MS * 2 ** tries)
        }
      }
    },
    async delete(key) {
      const response = await call(at(key), { method: 'DELETE' })
      await response.body?.cancel()
    },
    ...(address.links !== undefined && {
      async link(key, { seconds, disposition }) {
        const url = new URL(`/${address.bucket}${at(key)}`, address.links)
        url.searchParams.set('X-Amz-Expires', String(seconds))
        url.searchParams.set('response-content-disposition', disposition)
        return (await address.client.sign(url, { aws: { signQuery: true } })).url
      },
    }),
    async *list(prefix) {
      let token: string | undefined
      do {
        const query = new URLSearchParams({
          'list-type': '2',
          prefix: `${address.folder}${prefix}`,
          'encoding-type': 'url',
          ...(token !== undefined && { 'continuation-token': token }),
        })
        const xml = Buffer.from(await readAll(await call(`?${query}`), MAX_XML_BYTES)).toString('utf8')
        for (const [, key] of xml.matchAll(/<Key>([^<]*)<\/Key>/g))
          yield decodeURIComponent(key!.replaceAll('+', ' ')).slice(address.folder.length)
        token = textOf(xml, 'IsTruncated') === 'true' ? textOf(xml, 'NextContinuationToken') : undefined
      } while (token !== undefined)
    },
  }
}

/** Tries a bucket before anything is started. @throws EngineFaultError with one line for the operator */
export async function checkS3(url: URL): Promise<void> {
  const address = s3Address(url)
  try {
    const response = await ask(address, '?list-type=2&max-keys=1', {}, undefined, 1)
    await response.body?.cancel()
  } catch (error) {
    throw new EngineFaultError(SETTING, explain(error, address), { cause: error })
  }
}

/**
 * One request, tried again where the server is busy or the way is lost: every request here may be done twice.
 * @throws S3Error where the server refuses
 */
async function ask(
  { base, client }: S3Address,
  path: string,
  init: RequestInit,
  ending?: AbortSignal,
  tries = TRIES,
): Promise<Response> {
  for (let at = 1; ; at++) {
    let error: unknown
    try {
      const signed = await client.sign(base + path, init as Parameters<AwsClient['sign']>[1])
      const limit = AbortSignal.timeout(ATTEMPT_MS)
      const response = await fetch(signed, {
        redirect: 'manual',
        signal: ending ? AbortSignal.any([limit, ending]) : limit,
      })
      if (response.ok) return response
      const xml = Buffer.from(await readAll(response, MAX_XML_BYTES)).toString('utf8')
      error = new S3Error(response.status, textOf(xml, 'Code') ?? '', textOf(xml, 'Message') ?? '')
      if (response.status < 500 && response.status !== 429 && response.status !== 408) throw error
    } catch (thrown) {
      if (thrown instanceof S3Error && thrown === error) throw thrown
      error ??= thrown
    }
    if (at >= tries || ending?.aborted) throw error
    await sleep(FIRST_WAIT_MS * 2 ** (at - 1) * (0.5 + Math.random()))
  }
}

function explain(error: unknown, { shown, bucket, region }: S3Address): string {
  if (!(error instanceof S3Error)) return whyUnreachable(error, shown) ?? `${shown} does not answer as S3 does`
  switch (error.code) {
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
      return `${shown} refuses key or secret`
    case 'AccessDenied':
      return `${shown}: this key may not list bucket "${bucket}"`
    case 'NoSuchBucket':
      return `${shown} has no bucket "${bucket}": make it first`
    case 'AuthorizationHeaderMalformed':
    case 'PermanentRedirect':
      return `${shown}: bucket "${bucket}" is not of region "${region}"; add ?region= (${error.message.slice(0, 150)})`
    case 'RequestTimeTooSkewed':
      return `${shown}: the clock of this machine is wrong`
  }
  return `${shown} answers ${error.message.slice(0, 200)}; is it S3?`
}

async function readAll(response: Response, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > limit) throw new Error(`an answer of more than ${limit} bytes`)
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127\./.test(host)
