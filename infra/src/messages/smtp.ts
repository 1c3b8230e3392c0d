/**
 * Mail by SMTP: `smtp://` (STARTTLS where offered) and `smtps://` (TLS from the first byte). The outbox's id is the
 * Message-ID, so that a mail that went out twice over a crash is one mail to programs that read it.
 */
import { createTransport } from 'nodemailer'
import { z } from 'zod'
import type { MailSender, SendResult } from '@heliograph/crm-core/contracts'
import { addressOf, EngineFaultError, whyUnreachable } from '../engine-fault.ts'

const SETTING = 'HELIO_MAIL_URL'
const PORTS: Readonly<Record<string, number>> = { 'smtp:': 587, 'smtps:': 465 }
/** Below the time the outbox gives one attempt, so that the server's own answer is the reason that is kept. */
const CONNECT_MS = 8_000
const SILENCE_MS = 15_000
/** Connections kept open; more mails wait in line. */
const CONNECTIONS = 4

const parameters = z.strictObject({
  from: z.email({ error: 'add ?from=ADDRESS, the address that mails come from' }),
  name: z.string().min(1).max(100).default('Heliograph'),
  tls: z.enum(['required', 'optional', 'off'], { error: 'tls= is one of required, optional, off' }).optional(),
})

export interface SmtpOptions {
  /** Milliseconds a server may say nothing before its mail is tried again later. Default 15 000. */
  silenceMs?: number
}

/** @throws EngineFaultError where the URL does not say enough */
export function createSmtp(url: URL, { silenceMs = SILENCE_MS }: SmtpOptions = {}): Required<MailSender> {
  const parsed = parameters.safeParse(Object.fromEntries(url.searchParams))
  if (!parsed.success) throw new EngineFaultError(SETTING, explain(parsed.error))
  if (!url.hostname)
    throw new EngineFaultError(SETTING, 'names no host; write smtp://user:password@host:587?from=ADDRESS')
  const { from, name, tls } = parsed.data
  const secure = url.protocol === 'smtps:'
  const port = Number(url.port) || PORTS[url.protocol]!
  const user = decodeURIComponent(url.username)
  // A password must not cross a network in clear because a server, or somebody between, offers no TLS.
  const mustUpgrade = tls === 'required' || (tls === undefined && user !== '' && !isLoopback(url.hostname))
  const transport = createTransport({
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    secure,
    requireTLS: !secure && mustUpgrade,
    ignoreTLS: !secure && tls === 'off',
    ...(user !== '' && { auth: { user, pass: decodeURIComponent(url.password) } }),
    pool: true,
    maxConnections: CONNECTIONS,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: silenceMs,
    // Texts are ours; none of them may make the sender read a file or an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  // Idle connections are closed by servers all the time; the pool opens new ones.
  transport.on('error', () => undefined)
  const domain = from.slice(from.lastIndexOf('@') + 1)

  return {
    async check() {
      try {
        await transport.verify()
      } catch (error) {
        throw new EngineFaultError(SETTING, startFault(error, addressOf(url, port), secure), { cause: error })
      }
    },
    async send({ id, to, subject, text }) {
      try {
        const info = await transport.sendMail({
          from: { name, address: from },
          to: { name: '', address: to },
          subject,
          text,
          messageId: `<${id}@${domain}>`,
          headers: { 'Auto-Submitted': 'auto-generated', 'X-Heliograph-Notification': id },
        })
        return { outcome: 'sent', providerId: info.response }
      } catch (error) {
        return outcomeOf(error)
      }
    },
    stop() {
      transport.close()
      return Promise.resolve()
    },
  }
}

interface SmtpError {
  code?: string
  command?: string
  responseCode?: number
  response?: string
  message: string
}

/** A refusal for good is of the recipient or of the content; everything else may be mended while the mail waits. */
function outcomeOf(thrown: unknown): SendResult {
  const error = thrown as SmtpError
  const reason = (error.response ?? error.message).replace(/\s+/g, ' ').trim()
  const forGood = (error.responseCode ?? 0) >= 500 && ['RCPT TO', 'DATA'].includes(error.command ?? '')
  const noAddress = error.code === 'EENVELOPE' && error.responseCode === undefined
  const code = codeOf(error)
  return { outcome: forGood || noAddress ? 'failed' : 'retry', reason, code }
}

/** The server's number and, where it says so, the finer one of RFC 3463, behind the command that was refused. */
function codeOf({ code, command, responseCode, response }: SmtpError): string {
  if (responseCode === undefined) return code ?? 'no answer'
  const finer = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '')?.[1]
  return [/^[A-Z]+( TO| FROM)?$/.test(command ?? '') ? command : undefined, responseCode, finer]
    .filter((each) => each !== undefined)
    .join(' ')
}

function startFault(thrown: unknown, address: string, secure: boolean): string {
  const error = thrown as SmtpError
  if (error.code === 'EAUTH')
    return `${address} refuses user name or password${error.response ? ` (${error.response.replace(/\s+/g, ' ')})` : ''}`
  if (error.code === 'ENOAUTH') return `${address} takes no sign-in in this way; leave user name and password out`
  if (error.code === 'ETLS')
    return `${address} offers no TLS, and a password must not travel in clear; use smtps:// or, knowing that, tls=off`
  if (/wrong version number|packet length too long/i.test(error.message))
    return `${address} does not speak TLS from the first byte; use smtp:// there`
  // A server of the other kind waits for our first byte as we wait for its greeting.
  if (/greeting/i.test(error.message))
    return `${address} does not greet as a mail server; ${secure ? 'is the port right?' : 'use smtps:// where it speaks TLS from the first byte'}`
  return whyUnreachable(error, address) ?? `${address}: ${error.message.replace(/\s+/g, ' ')}`
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127\./.test(host)

const explain = (error: z.ZodError): string =>
  error.issues
    .map((issue) =>
      issue.code === 'unrecognized_keys' ? `knows no ${issue.keys.join(', ')}=; only from, name, tls` : issue.message,
    )
    .join('; ')
