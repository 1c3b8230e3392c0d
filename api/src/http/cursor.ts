import { createHmac, timingSafeEqual } from 'node:crypto'
import { ProblemError } from '@heliograph/crm-core/contracts'

const TAG_BYTES = 12

export interface CursorCodec {
  /** @param list names the list and its order; a cursor of one list is nothing to another */
  seal(list: string, position: unknown): string
  /** @throws ProblemError `invalid_cursor` for anything this server did not make for this list */
  open(list: string, cursor: string): unknown
}

/**
 * Cursors are opaque and sealed, so that their content may change from release to release and nobody reads or builds a
 * position (which may hold a name or an address of another row) by hand.
 */
export function createCursorCodec(secret: string): CursorCodec {
  const tag = (list: string, payload: string) =>
    createHmac('sha256', secret).update(`cursor\0${list}\0${payload}`).digest().subarray(0, TAG_BYTES)
  return {
    seal(list, position) {
      const payload = Buffer.from(JSON.stringify(position)).toString('base64url')
      return `${payload}.${tag(list, payload).toString('base64url')}`
    },
    open(list, cursor) {
      const [payload, given, rest] = cursor.split('.', 3)
      if (payload === undefined || given === undefined || rest !== undefined) throw new ProblemError('invalid_cursor')
      const actual = Buffer.from(given, 'base64url')
      if (actual.length !== TAG_BYTES || !timingSafeEqual(actual, tag(list, payload))) {
        throw new ProblemError('invalid_cursor')
      }
      return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    },
  }
}
