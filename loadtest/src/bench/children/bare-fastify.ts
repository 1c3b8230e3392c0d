/** Ceiling of the webhook benchmark: fastify that checks the signature and parses the body, and keeps nothing. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import fastify from 'fastify'

const secret = process.argv[2]!
const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret)
const app = fastify({ bodyLimit: 4 * 1024 * 1024 })
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.post('/hook', (request, reply) => {
  const body = request.body as Buffer
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers
  const expected = createHmac('sha256', key)
    .update(`${String(id)}.${String(timestamp)}.`)
    .update(body)
    .digest()
  const given = Buffer.from(String(signature).slice(3), 'base64')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return reply.code(401).send({})
  const items = JSON.parse(body.toString()) as unknown[]
  return reply.code(202).send({ accepted: items.length })
})
await app.listen({ port: 0, host: '127.0.0.1' })
process.send?.({ type: 'ready', port: (app.server.address() as { port: number }).port })
process.on('disconnect', () => process.exit(0))
