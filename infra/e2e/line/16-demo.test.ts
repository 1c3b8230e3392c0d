/**
 * Chapter 16: the demo. It is made at the first start, its past comes in by the import, its devices speak over MQTT and webhooks,
 * what is wrong with them is found by the rules, and it can be made anew while it runs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, type AlarmItem, type Listed, type UnclaimedItem } from './api.ts'
import { Instance } from './instance.ts'
import { until } from './until.ts'

const PASSWORD = 'a-password-of-the-test'
const CLI = new URL('../../src/bin/cli.ts', import.meta.url).pathname
/** Two days of the past of some two hundred devices, on a machine that does other things as well. */
const HISTORY_LIMIT_MS = 240_000

interface SiteItem {
  id: string
  name: string
}
interface Part {
  name: string
  lag: number | null
}

describe('the demo', () => {
  let instance: Instance
  let admin: Api
  const signIn = (email: string): Promise<Api> => Api.signIn(instance.url, { email, password: PASSWORD })
  const sites = async (api: Api): Promise<SiteItem[]> => (await api.get<Listed<SiteItem>>('/sites?limit=500')).items
  const idOf = async (name: string): Promise<string> => (await sites(admin)).find((site) => site.name === name)!.id
  const ready = async () =>
    ((await (await fetch(`${instance.url}/readyz`)).json()) as { parts: { name: string; progress?: number }[] }).parts
  const parts = async (): Promise<Part[]> => (await admin.get<{ parts: Part[] }>('/status')).parts

  const historyIsComing = (): boolean =>
    (JSON.parse(readFileSync(join(instance.dataDir, 'demo.json'), 'utf8')) as { historyJob?: number }).historyJob !==
    undefined

  beforeAll(async () => {
    instance = await Instance.start({ env: { HELIO_DEMO: 'on', HELIO_DEMO_PASSWORD: PASSWORD, HELIO_DEMO_DAYS: '2' } })
    admin = await signIn('admin@demo.test')
  })
  afterAll(() => instance.remove())

  it('is there at once: sites, customers, units, people, and another company that sees none of it', async () => {
    const own = await sites(admin)
    expect(own).toHaveLength(40)
    const units = (await admin.get<Listed<{ name: string; parentId: string | null }>>('/org-units?limit=100')).items
    expect(units.filter(({ parentId }) => parentId !== null)).toHaveLength(7)
    const other = await signIn('admin@other.test')
    const theirs = await sites(other)
    expect(theirs.map(({ name }) => name).sort()).toEqual(['Bayswater Marina', 'Devonport Bakery', 'Kona Lodge'])
    expect((await other.ask('GET', `/sites/${own[0]!.id}`)).status).toBe(404)
    const customer = await signIn('customer@demo.test')
    expect((await sites(customer)).map(({ name }) => name)).toEqual(['Huber, Marzling'])
    expect(statSync(join(instance.dataDir, 'demo.json')).mode & 0o777).toBe(0o600)
  })

  it('has ordinary tickets, and those that alarms opened; no alarm is seeded', async () => {
    const alarm = await until(
      'the inverter in fault',
      async () => (await admin.get<Listed<AlarmItem>>('/alarms')).items.find(({ type }) => type === 'inverter-fault'),
      60_000,
    )
    expect(alarm).toMatchObject({ severity: 'critical', historic: false })
    const tickets = (await admin.get<Listed<{ alarmIds: string[]; subject: string }>>('/tickets')).items
    expect(tickets.filter(({ alarmIds }) => alarmIds.length === 0)).toHaveLength(4)
    await expect.poll(async () => (await admin.get<Listed<AlarmItem>>('/alarms')).items[0]?.ticketId).toBeTruthy()
  })

  it('speaks as its vendors do: nothing is a dead letter, one inverter waits to be claimed', async () => {
    const speaking = ['native', 'opendtu', 'victron', 'shelly', 'tasmota', 'sparkplug-b', 'fronius', 'growatt']
    await until(
      'every vendor to be heard',
      async () => {
        const { items } =
          await admin.get<Listed<{ vendor: string; lastSeenAt: string | null }>>('/connections?limit=500')
        const heard = new Set(items.filter(({ lastSeenAt }) => lastSeenAt).map(({ vendor }) => vendor))
        return speaking.every((vendor) => heard.has(vendor))
      },
      120_000,
      500,
    )
    // A connection is heard when its first device speaks; the one that nobody claimed takes its turn.
    const unclaimed = await until(
      'the inverter that waits',
      async () => {
        const { items } = await admin.get<Listed<UnclaimedItem>>('/unclaimed')
        return items.length > 0 && items
      },
      120_000,
      500,
    )
    expect(unclaimed.map(({ externalId }) => externalId)).toEqual(['BS-24K-3'])
    expect((await admin.get<Listed<unknown>>('/dead-letters')).items).toEqual([])
  })

  it(
    'brings its past in behind, told as it goes, and gone on with after a kill',
    async () => {
      // At a second attempt the past may be in already: then there is nothing to be seen of its way.
      const told = await until(
        'progress',
        async () =>
          !historyIsComing() || (await ready()).find(({ name, progress }) => name === 'demo history' && progress),
        HISTORY_LIMIT_MS,
        100,
      )
      // What the pages' bar tells as a percentage.
      if (told !== true) expect(told.progress).toBeLessThan(1)
      await instance.killAll()
      await instance.start()
      admin = await signIn('admin@demo.test')
      await until('the whole past', () => !historyIsComing(), HISTORY_LIMIT_MS, 500)
      const siteId = await idOf('Clínica Las Condes Sur')
      const [from, to] = [Date.now() - 50 * 3_600_000, Date.now()].map((ts) => new Date(ts).toISOString())
      // Roll-ups follow at their own pace.
      const made = await until(
        'the energy of the past',
        async () => {
          const { series } = await admin.get<{ series: { points: { sum?: number }[] }[] }>(
            `/series?scope=site:${siteId}&metric=energy_wh&from=${from}&to=${to}&bucket=1h`,
          )
          const sum = series[0]!.points.reduce((all, point) => all + (point.sum ?? 0), 0)
          // Two days of 220 kWp.
          return sum > 20_000 ? sum : undefined
        },
        HISTORY_LIMIT_MS,
        1_000,
      )
      expect(made).toBeLessThan(220_000 * 20)
      expect((await parts()).some(({ name }) => name === 'demo history')).toBe(false)
    },
    HISTORY_LIMIT_MS * 3,
  )

  it('is made anew while it runs', async () => {
    const before = await idOf('Hof Lindenau')
    const { status, stderr } = await demoReset(instance.dataDir)
    expect(stderr).toContain('made anew')
    expect(status).toBe(0)
    expect((await admin.ask('GET', '/sites')).status).toBe(401)
    admin = await signIn('admin@demo.test')
    expect(await sites(admin)).toHaveLength(40)
    expect(await idOf('Hof Lindenau')).not.toBe(before)
    expect(existsSync(join(instance.dataDir, 'demo-reset'))).toBe(false)
  })

  it('is left alone where it is not alone', async () => {
    const made = await run(
      ['tenant', 'create', '--name', 'Real company', '--admin-email', 'a@real.test', '--admin-password', PASSWORD],
      instance.dataDir,
    )
    expect(made.status).toBe(0)
    const refused = await demoReset(instance.dataDir)
    expect(refused).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('holds more than the demo (Real company)'),
    })
    expect(await sites(admin)).toHaveLength(40)
  })
})

const demoReset = (dataDir: string) => run(['demo', 'reset'], dataDir)
async function run(args: string[], dataDir: string): Promise<{ status: number | null; stderr: string }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, ...args], {
    env: { PATH: process.env['PATH'], HELIO_DATA_DIR: dataDir },
    cwd: dataDir,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, stderr }
}
