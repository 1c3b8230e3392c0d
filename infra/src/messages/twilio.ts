/**
 * SMS through an HTTP service of Twilio's shape (https://www.twilio.com/docs/messaging/api/message-resource):
 * `twilio+https://ACCOUNT:TOKEN@api.twilio.com?from=%2B15005550006`. What becomes of a message after it was taken comes back
 * as a signed call.
 */
import { z } from 'zod'
import { verifyTwilio } from '@heliograph/api'
import type { MessageReport, SendResult, SmsSender } from '@heliograph/crm-core/contracts'
import { addressOf, EngineFaultError, whyUnreachable } from '../engine-fault.ts'

const SETTING = 'HELIO_SMS_URL'
const API_VERSION = '2010-04-01'
const ANSWER_MS = 15_000
/** Of an answer that is no message; what a page of HTML says helps nobody. */
const MAX_ANSWER_BYTES = 64 * 1024
/**
 * Codes that another attempt cannot change (https://www.twilio.com/docs/api/errors): numbers that are none, that cannot be
 * reached or have opted out, and texts that are refused.
 */
const FOR_GOOD = new Set([21211, 21214, 21217, 21219, 21408, 21602, 21604, 21605, 21610, 21612, 21614, 21617, 63033])

const parameters = z
  .strictObject({
    // An unescaped plus arrives as a space.
    from: z
      .string()
      .trim()
      .transform((text) => (/^\d{8,15}$/.test(text) ? `+${text}` : text))
      .pipe(z.string().min(1).max(20))
      .optional(),
    messagingService: z
      .string()
      .regex(/^MG[0-9a-f]{32}$/i, { error: 'messagingService= is an id that begins with MG' })
      .optional(),
  })
  .refine(({ from, messagingService }) => (from === undefined) !== (messagingService === undefined), {
    error: 'add either ?from=%2BNUMBER or ?messagingService=MG…, what messages come from',
  })

const takenSchema = z.object({ sid: z.string().max(100), error_code: z.number().nullish() })
const refusedSchema = z.object({ code: z.number().optional(), message: z.string().optional() })

export interface TwilioOptions {
  /** `HELIO_PUBLIC_URL`: where reports are asked for, when the provider can reach it. */
  publicUrl: string
  /** Milliseconds an answer may take. Default 15 000. */
  answerMs?: number
}

/** @throws EngineFaultError where the URL does not say enough */
export function createTwilio(url: URL, { publicUrl, answerMs = ANSWER_MS }: TwilioOptions): Required<SmsSender> {
  const parsed = parameters.safeParse(Object.fromEntries(url.searchParams))
  if (!parsed.success)
    throw new EngineFaultError(
      SETTING,
      parsed.error.issues
        .map((issue) =>
          issue.code === 'unrecognized_keys'
            ? `knows no ${issue.keys.join(', ')}=; only from, messagingService`
            : issue.message,
        )
        .join('; '),
    )
  const account = decodeURIComponent(url.username)
  const token = decodeURIComponent(url.password)
  if (!url.hostname || account === '' || token === '')
    throw new EngineFaultError(SETTING, 'write twilio+https://ACCOUNT:TOKEN@api.twilio.com?from=%2BNUMBER')
  const plain = url.protocol === 'twilio+http:'
  if (plain && !isLoopback(url.hostname))
    throw new EngineFaultError(SETTING, 'sends its token in clear; use twilio+https:// beyond this machine')
  const address = addressOf(url, plain ? 80 : 443)
  const base = `${plain ? 'http' : 'https'}://${url.host}${url.pathname.replace(/\/$/, '')}/${API_VERSION}/Accounts/${encodeURIComponent(account)}`
  const authorization = `Basic ${Buffer.from(`${account}:${token}`).toString('base64')}`
  const { from, messagingService } = parsed.data
  const reports = reportsAddress(publicUrl)
  const ending = new AbortController()

  async function call(path: string, form?: Record<string, string>): Promise<{ status: number; body: unknown }> {
    const response = await fetch(base + path, {
      method: form ? 'POST' : 'GET',
      headers: { authorization, accept: 'application/json' },
      ...(form && { body: new URLSearchParams(form) }),
      redirect: 'error',
      signal: AbortSignal.any([AbortSignal.timeout(answerMs), ending.signal]),
    })
    return { status: response.status, body: await readJson(response) }
  }

  return {
    async check() {
      let status: number
      try {
        ;({ status } = await call('.json'))
      } catch (error) {
        throw new EngineFaultError(SETTING, whyUnreachable(error, address) ?? `${address} does not answer`, {
          cause: error,
        })
      }
      if (status === 401 || status === 403) throw new EngineFaultError(SETTING, `${address} refuses account or token`)
      if (status === 404)
        throw new EngineFaultError(SETTING, `${address} knows no such account; are host and account right?`)
      if (status >= 300) throw new EngineFaultError(SETTING, `${address} answers ${status} where the account should be`)
    },
    async send({ id, to, text }) {
      try {
        const { status, body } = await call('/Messages.json', {
          To: to,
          Body: text,
          ...(from !== undefined ? { From: from } : { MessagingServiceSid: messagingService! }),
          ...(reports !== undefined && { StatusCallback: `${reports}${id}` }),
        })
        return outcomeOf(status, body)
      } catch (error) {
        const reason = whyUnreachable(error, address) ?? `${address} does not answer`
        return { outcome: 'retry', reason, code: reason }
      }
    },
    readReport: (request) => readReport(request, token),
    stop() {
      ending.abort()
      return Promise.resolve()
    },
  }
}

function outcomeOf(status: number, body: unknown): SendResult {
  if (status >= 200 && status < 300) {
    const taken = takenSchema.safeParse(body)
    // Taken or not, nobody can tell; sending again is what at-least-once means.
    if (!taken.success) {
      const reason = `answered ${status} without a message`
      return { outcome: 'retry', reason, code: reason }
    }
    return { outcome: 'sent', providerId: taken.data.sid }
  }
  const { code, message } = refusedSchema.safeParse(body).data ?? {}
  const numbers = `${status}${code === undefined ? '' : ` (${code})`}`
  const outcome = code !== undefined && FOR_GOOD.has(code) ? 'failed' : 'retry'
  return { outcome, reason: `${numbers}${message === undefined ? '' : ` ${message}`}`, code: numbers }
}

function readReport(
  request: Parameters<Required<SmsSender>['readReport']>[0],
  token: string,
): MessageReport | undefined {
  if (!verifyTwilio({ ...request, now: 0 }, [token]).ok) return undefined
  const form = new URLSearchParams(Buffer.from(request.body).toString('utf8'))
  const status = form.get('MessageStatus') ?? form.get('SmsStatus') ?? ''
  const providerId = form.get('MessageSid') ?? form.get('SmsSid') ?? undefined
  const code = form.get('ErrorCode')
  const outcome =
    status === 'delivered' || status === 'read'
      ? 'delivered'
      : ['undelivered', 'failed', 'canceled'].includes(status)
        ? 'failed'
        : 'underway'
  return {
    outcome,
    ...(providerId !== undefined && { providerId }),
    ...(outcome === 'failed' && { reason: `${status}${code ? ` (${code})` : ''}` }),
  }
}

/** A provider elsewhere cannot call this machine by its loopback address; asked to, it refuses the message. */
function reportsAddress(publicUrl: string): string | undefined {
  const { protocol, hostname } = new URL(publicUrl)
  if (isLoopback(hostname) && protocol === 'http:') return undefined
  return new URL('/ingest/v1/message-reports/sms/', publicUrl).href
}

async function readJson(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_ANSWER_BYTES) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127\./.test(host)
