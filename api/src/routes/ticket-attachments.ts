import { z } from 'zod'
import { ticketEntryResource } from '@heliograph/crm-core'
import { ATTACHMENT_TYPES, idSchema, MAX_ATTACHMENT_BYTES, ticketEntrySchema } from '@heliograph/crm-core/contracts'
import { flagSchema, idParams, type RouteModule } from '../http/api.ts'
import { narrowedCaller } from '../plugins/caller.ts'

const tags = ['tickets']
const params = idParams.extend({ attachmentId: idSchema })
/** One line without controls; it names a file for a person and is never a path. */
const fileNameSchema = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}/\\]+$/u, 'is not a file name')

/**
 * Photos and papers on tickets. The request's body is the file itself: one request, one file, with its own limit. They are given
 * back as downloads or, pictures alone, as what a page may show.
 */
export const ticketAttachmentRoutes: RouteModule = (api, { deps }) => {
  const { attachments } = deps.crm
  void api.register((scope, _options, done) => {
    // Bytes as they come, whatever the sender calls them: what they are is found out by looking.
    for (const type of ATTACHMENT_TYPES)
      scope.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit: MAX_ATTACHMENT_BYTES }, (_request, body, next) =>
        next(null, body),
      )
    scope.post(
      '/tickets/:id/attachments',
      {
        bodyLimit: MAX_ATTACHMENT_BYTES,
        config: { policy: { permission: 'ticket:write' } },
        schema: {
          tags,
          summary: 'Add a photo (JPEG, PNG, WebP, HEIC) or a PDF; the body is the file',
          consumes: [...ATTACHMENT_TYPES],
          params: idParams,
          querystring: z.strictObject({
            name: fileNameSchema,
            /** Whether the customer sees it. What customers add they always see. */
            public: flagSchema.default(false),
          }),
          body: z.instanceof(Uint8Array).meta({ type: 'string', format: 'binary' }),
          response: { 201: ticketEntrySchema },
        },
      },
      async (request, reply) => {
        const { name, public: isPublic } = request.query as { name: string; public: boolean }
        const { id } = request.params as { id: string }
        const bytes = request.body as Uint8Array
        const row = await attachments.add(narrowedCaller(request), id, { name, bytes, isPublic })
        return reply.code(201).send(ticketEntryResource(row))
      },
    )
    done()
  })
  api.get(
    '/tickets/:id/attachments/:attachmentId',
    {
      config: { policy: { permission: 'ticket:read' } },
      schema: { tags, summary: 'A file of a ticket', params },
    },
    async (request, reply) => {
      const { id, attachmentId } = request.params
      const found = await attachments.read(narrowedCaller(request), id, attachmentId)
      // Good for a moment and for whoever has it, so nothing keeps it.
      if ('link' in found) return reply.header('cache-control', 'no-store').redirect(found.link, 302)
      return reply
        .header('content-type', found.attachment.type)
        .header('content-disposition', found.disposition)
        .header('x-content-type-options', 'nosniff')
        .header('cache-control', 'private, max-age=3600')
        .send(Buffer.from(found.bytes))
    },
  )
}
