import {
  MAX_ATTACHMENT_BYTES,
  newId,
  ProblemError,
  type Caller,
  type FileStore,
  type Row,
  type TicketAttachment,
} from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { narrowCaller } from '../rights/callers.ts'
import { fileTypeOf } from './file-type.ts'
import { addEntry, emitTicket } from './tickets.ts'

/** Files of one ticket. */
export const MAX_ATTACHMENTS = 50
/** How long a link to a file is good for: until the browser has followed it. */
const LINK_SECONDS = 60

/** A file with its bytes, or where they are to be had. */
export type ReadAttachment = { attachment: TicketAttachment; disposition: string } & (
  { bytes: Uint8Array } | { link: string }
)

/** Photos and papers on tickets. The bytes lie in the file store; the entry of the timeline that names them decides who sees them. */
export function createAttachments({ db, now }: CrmDeps, files: FileStore | undefined) {
  const store = (): FileStore => {
    if (files === undefined) throw new ProblemError('unavailable', 'Nothing here keeps files')
    return files
  }
  const keyOf = (ticket: Pick<Row<'ticket'>, 'tenantId'>, id: string): string => `${ticket.tenantId}/tickets/${id}`

  /**
   * Keeps a file and says so in the ticket's timeline. What it is, is told by its first bytes, whatever the sender called it.
   * @throws ProblemError `too_large`, `unsupported_media_type`, `conflict` where the ticket has too many
   */
  async function add(
    caller: Caller,
    ticketId: string,
    input: { name: string; bytes: Uint8Array; isPublic?: boolean | undefined },
  ): Promise<Row<'ticketEntry'>> {
    const narrow = narrowCaller(caller, 'ticket:write')
    const scoped = db.as(narrow)
    const ticket = await scoped.get('ticket', ticketId)
    if (input.bytes.byteLength > MAX_ATTACHMENT_BYTES)
      throw new ProblemError('too_large', `A file may have ${MAX_ATTACHMENT_BYTES / 1024 / 1024} MiB`)
    const type = fileTypeOf(input.bytes)
    if (type === undefined)
      throw new ProblemError('unsupported_media_type', 'Photos (JPEG, PNG, WebP, HEIC) and PDF files are taken')
    const kept = (await scoped.find('ticketEntry', { where: { ticketId } })).filter((row) => attachmentOf(row))
    if (kept.length >= MAX_ATTACHMENTS)
      throw new ProblemError('conflict', `There are ${MAX_ATTACHMENTS} files on this ticket already`)
    const attachment: TicketAttachment = {
      id: newId<'attachment'>(now()),
      name: input.name,
      type,
      size: input.bytes.byteLength,
    }
    const key = keyOf(ticket, attachment.id)
    await store().put(key, input.bytes, type)
    try {
      return await scoped.transaction(async (tx) => {
        const current = await tx.get('ticket', ticketId)
        const entry = await addEntry(tx, current, {
          kind: 'comment',
          isPublic: narrow.portal === true || input.isPublic === true,
          authorId: caller.id,
          text: attachment.name,
          data: { attachment },
        })
        emitTicket(tx, current)
        return entry
      })
    } catch (error) {
      // Nobody would ever find it.
      await store()
        .delete(key)
        .catch(() => undefined)
      throw error
    }
  }

  /**
   * Pictures come with their bytes, since a page shows them as its own; of other files a link is enough where the store gives one.
   * @throws ProblemError `not_found` where the ticket has no such file that the caller may see
   */
  async function read(caller: Caller, ticketId: string, id: string): Promise<ReadAttachment> {
    const scoped = db.as(narrowCaller(caller, 'ticket:read'))
    const ticket = await scoped.get('ticket', ticketId)
    const entries = await scoped.find('ticketEntry', { where: { ticketId } })
    const attachment = entries.map(attachmentOf).find((one) => one?.id === id)
    if (!attachment) throw new ProblemError('not_found')
    const key = keyOf(ticket, id)
    const isPicture = attachment.type.startsWith('image/')
    const disposition = `${isPicture ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeURIComponent(attachment.name)}`
    const link = isPicture ? undefined : await store().link?.(key, { seconds: LINK_SECONDS, disposition })
    if (link !== undefined) return { attachment, disposition, link }
    const found = await store().get(key)
    if (!found) throw new ProblemError('not_found')
    return { attachment, disposition, bytes: found.bytes }
  }

  return { add, read }
}

/** The file that an entry of a timeline brought, if it did. */
function attachmentOf(entry: Pick<Row<'ticketEntry'>, 'data'>): TicketAttachment | undefined {
  return entry.data?.['attachment'] as TicketAttachment | undefined
}
