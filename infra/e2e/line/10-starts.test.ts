/** Chapter 10: a start that cannot be says why in one line, and ends with 1. */
import { chmodSync, rmSync, symlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../src/process/free-port.ts'
import { Instance, type InstanceOptions, tempDir } from './instance.ts'

const NOBODY = '65534'

describe('a start that cannot be', { timeout: 400_000 }, () => {
  const dirs: string[] = []
  const instances: Instance[] = []
  let server: Server | undefined
  afterEach(async () => {
    server?.close()
    server = undefined
    for (const instance of instances.splice(0)) await instance.remove()
    for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true })
  })

  async function refused(options: InstanceOptions): Promise<string> {
    const instance = await Instance.create(options)
    if (options.dataDir === undefined) dirs.push(instance.dataDir)
    const { code, output } = await instance.run()
    expect(code, output).toBe(1)
    // Log lines are JSON and are about other things.
    const lines = output.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('{"level"'))
    expect(lines, output).toHaveLength(1)
    return lines[0]!
  }
  async function occupied(): Promise<number> {
    const port = await freePort()
    server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    return port
  }

  it('says that another one works on the data directory, and leaves it alone', async () => {
    const first = await Instance.start()
    instances.push(first)
    const line = await refused({ dataDir: first.dataDir })
    expect(line).toMatch(new RegExp(`another Heliograph \\(pid ${first.pid}\\) is running on ${first.dataDir}`))
    expect((await fetch(`${first.url}/healthz`)).status).toBe(200)
  })

  it('names a port that is in use', async () => {
    const httpPort = await occupied()
    expect(await refused({ httpPort })).toMatch(new RegExp(`^port ${httpPort} on 127.0.0.1 is in use`))
    server!.close()
    const mqttPort = await occupied()
    expect(await refused({ mqttPort })).toMatch(new RegExp(`^port ${mqttPort} on 127.0.0.1 is in use`))
  })

  it('names a bad value and an unknown name', async () => {
    expect(await refused({ env: { HELIO_HTTP_PORT: 'eighty' } })).toMatch(/^HELIO_HTTP_PORT: .*eighty/)
    expect(await refused({ env: { HELIO_DATADIR: '/tmp' } })).toMatch(/^HELIO_DATADIR: .*HELIO_DATA_DIR/)
    expect(await refused({ env: { HELIO_ENV: 'production', HELIO_DEMO: 'off' } })).toMatch(/^HELIO_SECRET: /)
  })

  it('names an engine that cannot be used as it was set', async () => {
    const nobody = await freePort()
    expect(await refused({ env: { HELIO_MAIL_URL: `smtp://127.0.0.1:${nobody}?from=a@helio.test` } })).toMatch(
      new RegExp(`^HELIO_MAIL_URL: nothing listens on 127.0.0.1:${nobody}`),
    )
    expect(await refused({ env: { HELIO_MAIL_URL: 'smtp://127.0.0.1' } })).toMatch(/^HELIO_MAIL_URL: add \?from=/)
  })

  it('names every engine that nobody answers for, one line each', async () => {
    const at = `127.0.0.1:${await freePort()}`
    const env = {
      HELIO_LOG_URL: `kafka://${at}/p`,
      HELIO_CRM_URL: `mysql://u:hidden-word@${at}/d`,
      HELIO_LIVE_URL: `redis://:hidden-word@${at}`,
      HELIO_WAREHOUSE_URL: `clickhouse://u:hidden-word@${at}/d`,
      HELIO_SERIES_URL: `influx://:hidden-word@${at}/o/b`,
      HELIO_FILES_URL: `s3://k:hidden-word@${at}/b?tls=off`,
      HELIO_MAIL_URL: `smtp://u:hidden-word@${at}?from=a@helio.test`,
      HELIO_SMS_URL: `twilio+http://sid:hidden-word@${at}?from=%2B4915112345678`,
    }
    const instance = await Instance.create({ env })
    dirs.push(instance.dataDir)
    const { code, output } = await instance.run()
    expect(code, output).toBe(1)
    expect(output).not.toContain('hidden-word')
    const lines = output.split('\n').filter((line) => line.startsWith('HELIO_'))
    expect(lines.map((line) => line.split(':')[0]).sort()).toEqual(Object.keys(env).sort())
    for (const line of lines) expect(line).toContain(at)
  })

  it('says that it may not write into the data directory', async () => {
    const dataDir = tempDir()
    dirs.push(dataDir)
    const readable = tempDir()
    dirs.push(readable)
    // Somebody may read it, but not write.
    chmodSync(dataDir, 0o555)
    // Root writes anywhere: the start is somebody else's.
    const wrapper =
      process.getuid?.() === 0 ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : []
    expect(await refused({ dataDir, wrapper })).toMatch(new RegExp(`^HELIO_DATA_DIR: .*${dataDir}`))
    symlinkSync('/dev/null', `${readable}/file`)
    expect(await refused({ dataDir: readable, env: { HELIO_DATA_DIR: `${readable}/file/below` } })).toMatch(
      /^HELIO_DATA_DIR: /,
    )
  })
})
