/** The operator's tool as a process: what it answers, how it ends, what it leaves behind. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Instance } from '../line/instance.ts'
import { until } from '../line/until.ts'
import { command, emptyDir, good, spawnCommand } from './command.ts'

const FIXTURES = new URL('../../../ingest/fixtures/', import.meta.url).pathname
const CLI = new URL('../../src/bin/cli.ts', import.meta.url).pathname

/** Processes that work on a data directory. */
function workingOn(dataDir: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HELIO_DATA_DIR=${dataDir}\0`)
    } catch {
      return false
    }
  })
}

describe('decode', () => {
  const none = join('/nowhere', 'at-all')
  it('prints one line a reading and needs no data directory', async () => {
    const file = join(FIXTURES, 'fronius/inverter-gen24.json')
    const ran = await good(none, ['decode', '--vendor', 'fronius', '--received-at', '1760000000000', file])
    const [reading] = ran.json<Record<string, unknown>>()
    expect(reading).toMatchObject({
      tsSource: expect.stringMatching(/device|arrival/),
      metrics: expect.any(Object),
      quality: expect.any(Array),
    })
    expect(
      Object.keys(reading!).filter(
        (key) => !['device', 'ts', 'tsSource', 'metrics', 'status', 'faults', 'dc', 'ac', 'quality'].includes(key),
      ),
    ).toEqual([])
  })
  it('keeps one state over the files of a call, in their order', async () => {
    const birth = join(FIXTURES, 'sparkplug-b/dbirth.bin')
    const { topic } = JSON.parse(readFileSync(join(FIXTURES, 'sparkplug-b/dbirth.meta.json'), 'utf8')) as {
      topic: string
    }
    const one = await good(none, ['decode', '--vendor', 'sparkplug-b', '--topic', topic, birth])
    const two = await good(none, ['decode', '--vendor', 'sparkplug-b', '--topic', topic, birth, birth])
    expect(two.json()).toHaveLength(2 * one.json().length)
  })
  it('ends with 1 and one line for what it does not understand', async () => {
    const dir = emptyDir('decode')
    const file = join(dir, 'bad.json')
    writeFileSync(file, '{"broken":\n')
    const ran = await command(none, ['decode', '--vendor', 'native', file, join(FIXTURES, 'native/one.json')])
    expect(ran.code).toBe(1)
    expect(ran.stderr.trim().split('\n')).toHaveLength(1)
    expect(ran.stdout.trim().split('\n')).toHaveLength(1)
    rmSync(dir, { recursive: true })
  })
  it('ends quietly when its reader has seen enough', () => {
    const files = Array.from({ length: 300 }, () => `'${join(FIXTURES, 'victron/pvinverter.mqtt.ndjson')}'`).join(' ')
    const { status, stderr } = spawnSync(
      'bash',
      [
        '-c',
        `set -o pipefail; '${process.execPath}' --disable-warning=ExperimentalWarning '${CLI}' decode --vendor victron ${files} | head -1`,
      ],
      {
        encoding: 'utf8',
      },
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
  it.each([
    [['decode', 'file.json'], 2],
    [['decode', '--vendor', 'nobody', 'file.json'], 2],
    [['decode', '--vendor', 'native', '/no/such/file'], 1],
    [['decode', '--vendor', 'native', '--timezone', 'Mars', 'file.json'], 2],
    [['nonsense'], 2],
    [['kpi', '--site', 'x'], 2],
    [['--help'], 0],
  ])('%j ends with %i', async (args, code) => {
    expect((await command(none, args)).code).toBe(code)
  })
})

describe('without a running instance', { timeout: 180_000 }, () => {
  it('starts one for itself and leaves nothing running', async () => {
    const dataDir = emptyDir('private')
    const [made] = (
      await good(dataDir, [
        'tenant',
        'create',
        '--name',
        'Acme',
        '--admin-email',
        'boss@acme.test',
        '--admin-password',
        'long enough 1',
      ])
    ).json<{
      tenantId: string
      adminEmail: string
    }>()
    expect(made).toMatchObject({ adminEmail: 'boss@acme.test' })
    await until('the end of every process', () => workingOn(dataDir).length === 0, 10_000)
    const [listed] = (await good(dataDir, ['user', 'list'])).json<{ email: string; tenantId: string }>()
    expect(listed).toMatchObject({ email: 'boss@acme.test', tenantId: made!.tenantId })
    await until('the end of every process', () => workingOn(dataDir).length === 0, 10_000)
    expect(await command(dataDir, ['demo', 'reset'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no demo'),
    })
    rmSync(dataDir, { recursive: true })
  })
  it('says in one line what is wrong with a setting', async () => {
    const ran = await command('/tmp', ['status'], { HELIO_HTTP_PROT: '1' })
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr.trim()).toMatch(/^HELIO_HTTP_PROT: .*did you mean HELIO_\w+\?$/)
  })
})

describe('with a running instance', { timeout: 180_000 }, () => {
  let instance: Instance
  let siteId: string
  const work = emptyDir('commands')
  beforeAll(async () => {
    instance = await Instance.start()
    const api = await instance.api()
    siteId = await api.site(undefined, { name: 'North roof', timezone: 'America/Denver' })
    for (const serial of ['INV-1', 'INV-2'])
      await api.post('/devices', { siteId, kind: 'inverter', vendor: 'native', serial })
  })
  afterAll(async () => {
    await instance.remove()
    rmSync(work, { recursive: true, force: true })
  })
  const run = (...args: string[]) => command(instance.dataDir, args)

  it('tells how it stands', async () => {
    const { stdout, code } = await run('status')
    expect(code).toBe(0)
    for (const part of ['mqtt', 'decode', 'store', 'warehouse']) expect(stdout).toContain(part)
  })

  it('makes, lists and disables people', async () => {
    const person = ['--email', 'sam@line.test']
    expect((await run('user', 'create', ...person, '--role', 'support', '--password', 'long enough 2')).code).toBe(0)
    expect((await instance.api({ email: 'sam@line.test', password: 'long enough 2' })).url).toBe(instance.url)
    expect((await run('user', 'create', ...person, '--role', 'support')).code).toBe(1)
    expect((await run('user', 'disable', ...person)).code).toBe(0)
    const listed = (await run('user', 'list')).json<{ email: string; status: string; roles: string[] }>()
    expect(listed).toContainEqual(
      expect.objectContaining({ email: 'sam@line.test', status: 'disabled', roles: ['support'] }),
    )
    expect((await run('user', 'disable', '--email', 'nobody@line.test')).code).toBe(1)
  })

  it('brings in the day with the doubled hour, bad rows counted and listed', async () => {
    // Hourly, local time, 25 of them; 1 kW each hour of each device.
    const hours = Array.from({ length: 25 }, (_, index) => (index < 2 ? index : index - 1))
    const rows = hours.flatMap((hour) => ['INV-1', 'INV-2'].map((serial) => `11/6/2022 ${hour}:00;${serial};1,0`))
    rows.push(
      '11/6/2022 99:00;INV-1;1,0',
      '11/6/2022 5:30;STRANGER;1,0',
      '11/7/2022 0:00;INV-1;-1000000',
      '11/7/2022 0:00;INV-2;',
    )
    const file = join(work, 'doubled.csv.gz')
    writeFileSync(file, gzipSync(`exported by a logger\nTime;Serial;Power AC, kW\nM/D/Y;;kW\n${rows.join('\n')}\n`))
    const ran = await run(
      'import',
      file,
      '--site',
      'North roof',
      '--device-column',
      'Serial',
      '--map',
      'Power AC, kW=ac_power_w:kW',
      '--time',
      'Time',
      '--time-format',
      'M/d/yyyy H:mm',
    )
    expect(ran.json()).toEqual([{ rows: 54, imported: 50, empty: 1, bad: 3, partly: 0, before: 0 }])
    expect(ran.stderr).toMatch(/row 51: .*99:00.*\n[^]*row 52: .*STRANGER[^]*row 53: .*-1000000/)
    const [kpi] = (await run('kpi', '--site', siteId, '--from', '2022-11-06', '--to', '2022-11-07', '--json')).json<
      Record<string, unknown>
    >()
    expect(kpi).toMatchObject({
      siteId,
      from: '2022-11-06T06:00:00.000Z',
      to: '2022-11-07T07:00:00.000Z',
      timezone: 'America/Denver',
      rows: 50,
      method: 'power',
      peakAcPowerW: 2_000,
      specificYieldKwhPerKwp: expect.closeTo(5, 6),
      coverage: 1,
    })
    expect(kpi!['energyWh']).toBeCloseTo(50_000, 3)
    expect(kpi!['days']).toEqual([{ date: '2022-11-06', energyWh: expect.closeTo(50_000, 3), coverage: 1 }])
    expect((await run('kpi', '--site', siteId, '--from', '2022-11-06', '--to', '2022-11-07')).stdout).toContain(
      '50.000 kWh',
    )
  })

  it('goes on with an import that was cut off, and ends with every row once', async () => {
    const rows = Array.from(
      { length: 60_000 },
      (_, index) => `${new Date(Date.parse('2021-01-01T00:00:00Z') + index * 60_000).toISOString()},${index % 1_000}`,
    )
    const file = join(work, 'long.csv')
    writeFileSync(file, `t,p\n${rows.join('\n')}\n`)
    const args = ['import', file, '--site', siteId, '--device', 'INV-1', '--map', 'p=ac_power_w', '--time', 't']
    const cut = spawnCommand(instance.dataDir, args)
    const api = await instance.api()
    const [device] = await api.all<{ id: string; serial: string }>(`/devices?siteId=${siteId}&q=INV-1`)
    await until(
      'the first rows',
      async () =>
        (
          await api.get<{ items: unknown[] }>(
            `/devices/${device!.id}/readings?from=2021-01-01T00:00:00Z&to=2021-01-02T00:00:00Z&limit=1`,
          )
        ).items.length > 0,
    )
    cut.kill('SIGKILL')
    const ran = await run(...args)
    const [result] = ran.json<{ rows: number; imported: number; before: number }>()
    expect(result!.rows).toBe(60_000)
    expect(result!.imported + result!.before).toBe(60_000)
    expect(result!.before).toBeGreaterThan(0)
    expect(ran.stderr).toContain('cut off')
    const [kpi] = (
      await run('kpi', '--site', siteId, '--from', '2021-01-01T00:00:00Z', '--to', '2021-03-01T00:00:00Z', '--json')
    ).json<{ rows: number }>()
    expect(kpi!.rows).toBe(60_000)
  })

  it('says which column a file lacks, and what a wrong use is', async () => {
    const file = join(work, 'small.csv')
    writeFileSync(file, 't,p\n')
    const base = ['import', file, '--site', siteId]
    expect(await run(...base, '--device', 'INV-1', '--map', 'x=ac_power_w', '--time', 't')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no column "x"'),
    })
    expect((await run(...base, '--map', 'p=ac_power_w', '--time', 't')).code).toBe(2)
    expect((await run(...base, '--device', 'INV-1', '--map', 'p=watts', '--time', 't')).code).toBe(2)
    expect((await run(...base, '--device', 'NOBODY', '--map', 'p=ac_power_w', '--time', 't')).code).toBe(1)
    expect(
      (
        await run(
          'import',
          join(work, 'none.csv'),
          '--site',
          siteId,
          '--device',
          'INV-1',
          '--map',
          'p=ac_power_w',
          '--time',
          't',
        )
      ).code,
    ).toBe(1)
    expect((await run('kpi', '--site', 'Nowhere', '--from', '2022-01-01', '--to', '2022-01-02')).code).toBe(1)
    expect((await run('kpi', '--site', siteId, '--from', 'yesterday', '--to', '2022-01-02')).code).toBe(1)
  })

  it('replays, lists dead letters, and finds nothing to complain of', async () => {
    expect((await run('replay')).json<{ state: string }>()).toEqual([expect.objectContaining({ state: 'done' })])
    expect(await run('dead-letters')).toMatchObject({ code: 0, stdout: '' })
    const ran = await run('verify', '--windows', '5')
    expect(ran.code).toBe(0)
    expect(ran.stdout).toMatch(/roll-ups .*: 0 differences\nlog readings .*: 0 missing\ndead letters .*: 0 missing\n/)
  })

  it('works with a key over HTTP too, and keeps operators’ work to the machine', async () => {
    const api = await instance.api()
    const { key } = await api.post<{ key: string }>('/api-keys', { name: 'tool', scopes: ['read'] })
    const env = { HELIO_URL: instance.url, HELIO_API_KEY: key }
    const kpi = await command(
      '/nowhere',
      ['kpi', '--site', siteId, '--from', '2022-11-06', '--to', '2022-11-07', '--json'],
      env,
    )
    expect(kpi.json<{ rows: number }>()[0]!.rows).toBe(50)
    expect(await command('/nowhere', ['verify'], env)).toMatchObject({ code: 1 })
    expect(
      await command(
        '/nowhere',
        ['tenant', 'create', '--name', 'N', '--admin-email', 'n@n.test', '--admin-password', 'long enough 3'],
        env,
      ),
    ).toMatchObject({ code: 1 })
  })
})
