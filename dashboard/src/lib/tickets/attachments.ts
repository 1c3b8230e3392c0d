/** Files of a ticket: what may be added, and how it is sent. */
import {
  ATTACHMENT_TYPES,
  MAX_ATTACHMENT_BYTES,
  type TicketAttachment,
  type TicketEntry,
} from '@heliograph/crm-core/contracts'
import { address } from '../api/address.ts'
import { errorFromAnswer, type ApiError } from '../api/problem.ts'

export const MOST_FILES = 6
export const ACCEPT = ATTACHMENT_TYPES.join(',')

/** Why a file cannot be sent, said before megabytes travel for nothing; undefined when it can. */
export function refusal(file: { name: string; size: number; type: string }): string | undefined {
  if (file.size === 0) return `${file.name} is empty.`
  if (file.size > MAX_ATTACHMENT_BYTES) return `${file.name} is larger than 12 MB.`
  if (!(ATTACHMENT_TYPES as readonly string[]).includes(file.type))
    return `${file.name} is neither a photo (JPEG, PNG, WebP, HEIC) nor a PDF.`
  return undefined
}

/** Sends one file; its bytes are the body. @throws ApiError */
export async function sendFile(ticketId: string, file: File, isPublic: boolean): Promise<TicketEntry> {
  const answer = await fetch(
    address(`/tickets/${encodeURIComponent(ticketId)}/attachments`, {
      name: file.name.slice(0, 200) || 'photo',
      public: isPublic,
    }),
    { method: 'POST', body: file, headers: { 'content-type': file.type }, credentials: 'same-origin' },
  )
  if (!answer.ok)
    throw errorFromAnswer(answer.status, await answer.text(), answer.headers.get('retry-after')) as ApiError
  return (await answer.json()) as TicketEntry
}

export function attachmentOf(entry: Pick<TicketEntry, 'data'>): TicketAttachment | undefined {
  const found = entry.data?.['attachment']
  return typeof found === 'object' && found !== null ? (found as TicketAttachment) : undefined
}
export const attachmentAddress = (ticketId: string, attachment: TicketAttachment): string =>
  address(`/tickets/${encodeURIComponent(ticketId)}/attachments/${encodeURIComponent(attachment.id)}`)
