import { createHash, randomUUID } from 'node:crypto'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { AwsClient } from 'aws4fetch'
import { afterEach, describe, expect, it } from 'vitest'
import { needService } from '../../services/for-tests.ts'
import { freePort } from '../process/free-port.ts'
import { describeFiles } from './files.conformance.ts'
import { checkS3, createS3Files } from './s3.ts'

const minio = new URL((await needService('minio')).url())
const client = new AwsClient({
  accessKeyId: minio.username,
  secretAccessKey: minio.password,
  service: 's3',
  region: 'us-east-1',
})
async function bucket(): Promise<{ url: URL; remove(): Promise<void> }> {
  const name = `test-${randomUUID().slice(0, 13)}`
  expect((await client.fetch(`http://${minio.host}/${name}`, { method: 'PUT' })).status).toBe(200)
  const url = new URL(`s3://${minio.username}:${minio.password}@${minio.host}/${name}`)
  return {
    url,
    async remove() {
      const store = createS3Files(url)
      for await (const key of store.list('')) await store.delete(key)
      await client.fetch(`http://${minio.host}/${name}`, { method: 'DELETE' })
    },
  }
}

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}
/** The server's answer to what somebody else was asked: under the same host, since that is signed. */
async function ask({ url, method, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest(`http://${minio.host}${url!}`, { method: method!, headers }, resolve).once('error', reject).end(body)
  })
  return { status: answer.statusCode!, headers: answer.headers, body: await buffer(answer) }
}

describeFiles('a bucket', async () => {
  const { url, remove } = await bucket()
  return { store: createS3Files(url), remove }
})
describeFiles('a folder of a bucket, encrypted by the server', async () => {
  const { url, remove } = await bucket()
  const inner = new URL(`${url.href}/deep/inside?sse=AES256`)
  return { store: createS3Files(inner), remove }
})

describe('files by S3', { timeout: 60_000 }, () => {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  const made = async () => {
    const { url, remove } = await bucket()
    ends.push(remove)
    return url
  }
  /** Stands between us and the server, and does what the test says to one request after another. */
  async function between(
    url: URL,
    act: (request: IncomingMessage, response: ServerResponse, pass: () => Promise<Answer>) => Promise<boolean>,
  ): Promise<URL> {
    const server: Server = createServer((request, response) => {
      void (async () => {
        const body = await buffer(request)
        const pass = () => ask(request, body)
        if (await act(request, response, pass)) return
        const answer = await pass()
        response.writeHead(answer.status, answer.headers).end(answer.body)
      })()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ends.push(() => {
      server.closeAllConnections()
      server.close()
    })
    const through = new URL(url)
    through.port = String((server.address() as AddressInfo).port)
    // What was signed names the host that was called: the server is asked under the same one.
    return through
  }

  it('keeps many, and lists them all', async () => {
    const store = createS3Files(await made())
    const keys = Array.from({ length: 1_100 }, (_, at) => `t1/many/${String(at).padStart(4, '0')}`)
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, Uint8Array.of(1), 'text/plain')))
    const found: string[] = []
    for await (const key of store.list('t1/many/')) found.push(key)
    expect(found.sort()).toEqual(keys)
  })

  it('keeps a large file whole', async () => {
    const store = createS3Files(await made())
    const bytes = new Uint8Array(20 * 1024 * 1024).map((_, at) => at % 251)
    await store.put('t1/large', bytes, 'application/pdf')
    const found = await store.get('t1/large')
    expect(createHash('sha256').update(found!.bytes).digest('hex')).toBe(
      createHash('sha256').update(bytes).digest('hex'),
    )
  })

  describe('a file in parts', () => {
    const large = new Uint8Array(17 * 1024 * 1024).map((_, at) => at % 253)
    const uploadsOf = async ({ pathname }: URL) => {
      const answer = await client.fetch(`http://${minio.host}${pathname}?uploads&prefix=t1/parts`)
      return [...(await answer.text()).matchAll(/<UploadId>/g)].length
    }
    const refuse = (response: ServerResponse, status: number, code: string) => {
      response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`)
      return true
    }

    it('sends a part again that the server put off, and only that one', async () => {
      const parts: string[] = []
      const url = await between(await made(), async (request, response) => {
        const part = /partNumber=(\d)/.exec(request.url!)?.[1]
        if (part === undefined) return false
        parts.push(part)
        return part === '2' && parts.filter((each) => each === '2').length === 1
          ? refuse(response, 503, 'SlowDown')
          : false
      })
      const store = createS3Files(url)
      await store.put('t1/parts', large, 'application/pdf')
      expect(parts.sort()).toEqual(['1', '2', '2', '3'])
      const found = await store.get('t1/parts')
      expect(Buffer.compare(found!.bytes, large)).toBe(0)
      expect(found!.contentType).toBe('application/pdf')
    })

    it('clears away what came when the rest is refused, and leaves what was there', async () => {
      const direct = await made()
      const url = await between(direct, async (request, response) =>
        request.url!.includes('partNumber=3') ? refuse(response, 403, 'QuotaExceeded') : false,
      )
      const store = createS3Files(url)
      await store.put('t1/parts', Uint8Array.of(1), 'text/plain')
      await expect(store.put('t1/parts', large, 'application/pdf')).rejects.toThrow('QuotaExceeded')
      expect([...(await store.get('t1/parts'))!.bytes]).toEqual([1])
      expect(await uploadsOf(direct)).toBe(0)
    })

    it('is there when the last answer was lost', async () => {
      let lost = 0
      const url = await between(await made(), async (request, response, pass) => {
        if (request.method !== 'POST' || !request.url!.includes('uploadId=') || lost++ > 0) return false
        await pass()
        return refuse(response, 503, 'ServiceUnavailable')
      })
      const store = createS3Files(url)
      await store.put('t1/parts', large, 'application/pdf')
      expect(lost).toBeGreaterThan(1)
      expect(Buffer.compare((await store.get('t1/parts'))!.bytes, large)).toBe(0)
    })

    it('is not taken for whole where the server says so after it began to answer', async () => {
      const direct = await made()
      const url = await between(direct, async (request, response) =>
        request.method === 'POST' && request.url!.includes('uploadId=')
          ? refuse(response, 200, 'InternalError')
          : false,
      )
      await expect(createS3Files(url).put('t1/parts', large, 'application/pdf')).rejects.toThrow('InternalError')
      expect(await uploadsOf(direct)).toBe(0)
    })

    it('is not believed when it was changed on the way', async () => {
      const url = await made()
      await createS3Files(url).put('t1/parts', large, 'application/pdf')
      let damaged = 0
      const through = await between(url, async (_request, response, pass) => {
        const { status, headers, body } = await pass()
        if (damaged++ === 0) body[9_000_000]! ^= 1
        response.writeHead(status, headers).end(body)
        return true
      })
      expect(Buffer.compare((await createS3Files(through).get('t1/parts'))!.bytes, large)).toBe(0)
      expect(damaged).toBe(2)
    })
  })

  it('gives a link to a file for a moment, where the operator says how browsers reach it', async () => {
    const url = await made()
    expect(createS3Files(url).link).toBeUndefined()
    url.searchParams.set('links', `http://${minio.host}`)
    const store = createS3Files(url)
    await store.put('t1/tickets/a', Uint8Array.of(1, 2), 'application/pdf')
    const disposition = `attachment; filename*=UTF-8''plan%20%C3%A4.pdf`
    const link = await store.link!('t1/tickets/a', { seconds: 2, disposition })
    const answer = await fetch(link)
    expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([1, 2])
    expect(answer.headers.get('content-disposition')).toBe(disposition)
    // For this file and this answer alone.
    expect((await fetch(link.replace('tickets/a', 'tickets/b'))).status).toBe(403)
    expect((await fetch(link.replace('attachment', 'inline'))).status).toBe(403)
    await expect.poll(async () => (await fetch(link)).status, { timeout: 15_000 }).toBe(403)
    await expect(store.link!('../up', { seconds: 2, disposition })).rejects.toThrow()
  })

  it('tries again what a busy server put off, and gives up in the end', async () => {
    let busy = 2
    const url = await between(await made(), async (_request, response) => {
      if (busy-- <= 0) {
        response.writeHead(400).end('<Error><Code>InvalidRequest</Code></Error>')
        return true
      }
      response
        .writeHead(503)
        .end('<Error><Code>SlowDown</Code><Message>Please reduce your request rate</Message></Error>')
      return true
    })
    await expect(createS3Files(url).put('t1/a', Uint8Array.of(1), 'text/plain')).rejects.toThrow('InvalidRequest')
    busy = Infinity
    await expect(createS3Files(url).put('t1/a', Uint8Array.of(1), 'text/plain')).rejects.toThrow('SlowDown')
  })

  it('does not believe a file that was changed on the way', async () => {
    const store = createS3Files(await made())
    let damaged = 0
    const sum = createHash('sha256')
      .update(Uint8Array.of(1, 2, 3))
      .digest('base64')
    const url = await between(new URL(`s3://k:s@127.0.0.1/b`), async (_request, response) => {
      response
        .writeHead(200, { 'x-amz-checksum-sha256': sum, 'content-type': 'text/plain' })
        .end(damaged++ === 0 ? Buffer.of(1, 2, 4) : Buffer.of(1, 2, 3))
      return true
    })
    expect([...(await createS3Files(url).get('t1/a'))!.bytes]).toEqual([1, 2, 3])
    expect(damaged).toBe(2)
    await store.stop()
  })

  it('is refused at start with one line that names the setting', async () => {
    const url = await made()
    const fault = (text: string) =>
      checkS3(new URL(text)).then(
        () => 'fine',
        (error: Error) => error.message,
      )
    const nobody = await freePort()
    const { host, pathname } = url
    expect(await fault(url.href)).toBe('fine')
    for (const [text, said] of [
      [`s3://${url.username}:wr0ng-secret@${host}${pathname}`, `${host} refuses key or secret`],
      [`s3://nobody:wr0ng-secret@${host}${pathname}`, `${host} refuses key or secret`],
      [`s3://${url.username}:${url.password}@${host}/no-such-bucket`, 'has no bucket "no-such-bucket"'],
      [`s3://k:s@127.0.0.1:${nobody}/b`, `nothing listens on 127.0.0.1:${nobody}`],
      ['s3://k:s@no-such-host.invalid/b', 'there is no host for no-such-host.invalid:443'],
      [`${url.href}?tls=required`, 'does not speak TLS'],
      [`s3://k:s@${host}`, 'write s3://KEY:SECRET@host:port/bucket'],
      [`${url.href}?sse=rot13`, 'sse= is one of'],
      [`${url.href}?links=yes`, 'links= is where browsers reach the bucket'],
    ] as const) {
      const told = await fault(text)
      expect(told).toMatch(/^HELIO_FILES_URL: [^\n]+$/)
      expect(told).toContain(said)
      expect(told).not.toMatch(/wr0ng/)
    }
  })
})
