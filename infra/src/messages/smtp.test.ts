import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../process/free-port.ts'
import { describeMessages } from './messages.conformance.ts'
import { createTestMailServer, type TestMailServer } from './smtp-server.fixture.ts'
import { createSmtp } from './smtp.ts'

const login = 'helio:s3cret%3Ap%40ss'
const from = 'from=alerts%40helio.test'

describeMessages('SMTP', async () => {
  const provider = await createTestMailServer()
  return {
    provider,
    recipient: 'anna@customer.test',
    sender: createSmtp(new URL(`smtp://${login}@127.0.0.1:${provider.port}?${from}`), { silenceMs: 500 }),
  }
})

describe('mail by SMTP', () => {
  const servers: TestMailServer[] = []
  const plain: Server[] = []
  const dirs: string[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.down()
    for (const server of plain.splice(0)) server.close()
    for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true })
  })
  const mailServer = async (options?: Parameters<typeof createTestMailServer>[0]) => {
    const server = await createTestMailServer(options)
    servers.push(server)
    await server.up()
    return server
  }
  const fault = async (url: string): Promise<string> => {
    const smtp = createSmtp(new URL(url))
    try {
      await smtp.check()
      return 'fine'
    } catch (error) {
      return (error as Error).message
    } finally {
      await smtp.stop()
    }
  }

  it('writes who it is from, and that no person wrote it', async () => {
    const server = await mailServer()
    const smtp = createSmtp(new URL(`smtp://127.0.0.1:${server.port}?${from}&name=Solar%20Nord`))
    const subject = 'Alarm\r\nBcc: everybody@helio.test'
    await smtp.send({ id: '0197a3', to: 'anna@customer.test', subject, text: 'x' })
    await smtp.stop()
    const head = server.mails[0]!.split('\r\n\r\n')[0]!
    expect(head).toContain('From: Solar Nord <alerts@helio.test>')
    expect(head).toContain('Message-ID: <0197a3@helio.test>')
    expect(head).toContain('Auto-Submitted: auto-generated')
    // A subject cannot add a header.
    expect(head).not.toMatch(/^Bcc:/im)
  })

  it('keeps a mail whose sender is refused: that is a setting to mend, not a recipient to give up', async () => {
    const server = await mailServer({
      onMailFrom: (_address, _session, done) => done(Object.assign(new Error('not yours'), { responseCode: 553 })),
    })
    const smtp = createSmtp(new URL(`smtp://127.0.0.1:${server.port}?${from}`))
    expect(await smtp.send({ id: 'a', to: 'anna@customer.test', subject: 's', text: 't' })).toMatchObject({
      outcome: 'retry',
      reason: expect.stringContaining('not yours') as string,
    })
    await smtp.stop()
  })

  it('speaks TLS from the first byte or by STARTTLS, and trusts no certificate that nobody signed', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'helio-smtp-'))
    dirs.push(dir)
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, '-keyout', key, '-out', cert],
      { stdio: 'ignore' },
    )
    const tls = { key: readFileSync(key), cert: readFileSync(cert) }
    const direct = await mailServer({ ...tls, secure: true })
    const upgraded = await mailServer({ ...tls, disabledCommands: [], allowInsecureAuth: true })
    const untrusted = /^HELIO_MAIL_URL: 127\.0\.0\.1:\d+ cannot be trusted: its certificate is signed by itself/
    expect(await fault(`smtps://${login}@127.0.0.1:${direct.port}?${from}`)).toMatch(untrusted)
    expect(await fault(`smtp://${login}@127.0.0.1:${upgraded.port}?${from}`)).toMatch(untrusted)
    expect(await fault(`smtp://${login}@127.0.0.1:${upgraded.port}?${from}&tls=off`)).toBe('fine')
    // An authority of one's own is named to the process, as the line says.
    const script = `const { createSmtp } = await import(${JSON.stringify(new URL('./smtp.ts', import.meta.url).href)})
      for (const url of process.argv.slice(1)) {
        const smtp = createSmtp(new URL(url))
        await smtp.check()
        await smtp.stop()
      }
      console.log('fine')`
    const urls = [
      `smtps://${login}@127.0.0.1:${direct.port}?${from}`,
      `smtp://${login}@localhost:${upgraded.port}?${from}&tls=required`,
    ]
    const trusting = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, ...urls], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: cert },
    })
    expect((await trusting).stdout.trim()).toBe('fine')
  })

  it('says in one line which setting is wrong and how to mend it', async () => {
    const server = await mailServer()
    const silent = createServer()
    plain.push(silent)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const nobody = await freePort()
    const at = `127.0.0.1:${server.port}`
    expect(await fault(`smtp://${login}@${at}?${from}`)).toBe('fine')
    for (const [url, said] of [
      [`smtp://helio:wrong@${at}?${from}`, `${at} refuses user name or password`],
      [`smtp://127.0.0.1:${nobody}?${from}`, `nothing listens on 127.0.0.1:${nobody}`],
      [`smtp://no-such-host.invalid?${from}`, 'there is no host for no-such-host.invalid:587'],
      [`smtps://${at}?${from}`, `${at} does not speak TLS from the first byte; use smtp://`],
      [`smtp://${login}@${at}?${from}&tls=required`, `${at} offers no TLS`],
    ] as const) {
      const told = await fault(url)
      expect(told).toMatch(/^HELIO_MAIL_URL: [^\n]+$/)
      expect(told).toContain(said)
      expect(told).not.toMatch(/s3cret|wrong/)
    }
  })

  it.each([
    ['smtp://mail.test', 'add ?from=ADDRESS'],
    [`smtp:?${from}`, 'names no host'],
    [`smtp://mail.test?${from}&tls=maybe`, 'tls= is one of'],
    [`smtp://mail.test?${from}&form=x`, 'knows no form='],
  ])('refuses %s', (url, said) => {
    expect(() => createSmtp(new URL(url))).toThrow(said)
  })
})
