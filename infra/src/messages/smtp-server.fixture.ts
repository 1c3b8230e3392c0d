/** A real SMTP server in this process that keeps what it takes, and can be in several moods. */
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { freePort } from '../process/free-port.ts'
import type { Taken, TestProvider } from './messages.conformance.ts'

export interface TestMailServer extends TestProvider {
  port: number
  /** Whole messages, headers and all. */
  mails: string[]
}

export async function createTestMailServer(options: SMTPServerOptions = {}): Promise<TestMailServer> {
  const port = await freePort()
  let server: SMTPServer | undefined
  const refusal = (code: number, text: string) => Object.assign(new Error(text), { responseCode: code })
  const made: TestMailServer = {
    port,
    taken: [],
    mails: [],
    mood: 'take',
    async up() {
      server = new SMTPServer({
        authOptional: true,
        disabledCommands: ['STARTTLS'],
        disableReverseLookup: true,
        closeTimeout: 50,
        logger: false,
        onAuth({ username, password }, _session, done) {
          if (username === 'helio' && password === 's3cret:p@ss') done(null, { user: username })
          else done(refusal(535, 'no such user or password'))
        },
        onRcptTo(_address, _session, done) {
          if (made.mood === 'refuse') done(refusal(550, 'no such mailbox'))
          else if (made.mood === 'busy') done(refusal(451, 'greylisted, try again later'))
          else done()
        },
        onData(stream, session, done) {
          const chunks: Buffer[] = []
          stream.on('data', (chunk: Buffer) => chunks.push(chunk))
          stream.on('end', () => {
            if (made.mood === 'hang') return
            const text = Buffer.concat(chunks).toString('utf8')
            made.mails.push(text)
            made.taken.push(takenFrom(text, session.envelope.rcptTo[0]?.address ?? ''))
            if (made.mood === 'cut') for (const connection of server!.connections) connection._socket.destroy()
            else done(null, 'queued as 4711')
          })
        },
        ...options,
      })
      // Connections that are cut are what some tests are about.
      server.on('error', () => undefined)
      await new Promise<void>((resolve) => server!.listen(port, '127.0.0.1', resolve))
    },
    async down() {
      const ending = server
      server = undefined
      for (const connection of ending?.connections ?? []) connection._socket.destroy()
      await new Promise<void>((resolve) => (ending ? ending.close(() => resolve()) : resolve()))
    },
  }
  return made
}

function takenFrom(mail: string, to: string): Taken {
  const end = mail.indexOf('\r\n\r\n')
  const head = mail.slice(0, end)
  const body = mail.slice(end + 4)
  const encoding = /^Content-Transfer-Encoding: (\S+)/im.exec(head)?.[1]
  const text =
    encoding === 'base64'
      ? Buffer.from(body, 'base64').toString('utf8')
      : encoding === 'quoted-printable'
        ? fromQuotedPrintable(body)
        : body
  return { id: /^Message-ID: <([^@]+)@/im.exec(head)?.[1], to, text: text.replaceAll('\r\n', '\n').trimEnd() }
}
const fromQuotedPrintable = (text: string): string =>
  Buffer.from(
    text
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8')
