import type { TenantId } from '@heliograph/crm-core/contracts'
import { describe, expect, it } from 'vitest'
import type { Client } from '../cli/client.ts'
import { historyJobs, historyReach, importHistory } from './history.ts'
import { DEMO_SITES } from './sites.ts'
import { DAY_MS, sunHeight } from './sky.ts'
import { PLAN_VERSION, type DemoState } from './state.ts'

interface Imported {
  deviceId: string
  ts: number
  metrics: Record<string, number>
}
const SEEDED = Date.parse('2026-11-22T15:00:00Z')
const state = (days: number): DemoState => ({
  plan: PLAN_VERSION,
  seededAt: SEEDED,
  days,
  historyJob: 0,
  connections: [],
  devices: Object.fromEntries(
    DEMO_SITES.flatMap(({ devices, tenant }) =>
      devices.map(({ serial }) => [serial, { id: serial, tenantId: tenant as TenantId }]),
    ),
  ),
})

/** Takes what an instance would be sent. */
async function sent(days: number, from = 0, stopAfter = Infinity, pastDays: number[] = []) {
  const messages: { readings: Imported[]; tenantId?: string }[] = []
  const done: number[] = []
  const told: number[] = []
  const client: Client = {
    byKey: false,
    isPrivate: false,
    target: 'test',
    close: async () => {},
    async call<T>(method: string, path: string, body?: unknown, options?: { tenantId?: string }): Promise<T> {
      if (path === '/readyz') {
        const all = from + done.length === historyJobs(historyReach(days)).length
        return { parts: [{ name: 'rollups', lag: all ? (pastDays.shift() ?? 0) : 90_000 }] } as T
      }
      if (path === '/api/v1/status/settle') return {} as T
      expect([method, path]).toEqual(['POST', '/api/v1/imports'])
      messages.push({ ...(body as { readings: Imported[] }), ...options })
      return {} as T
    },
  }
  const whole = await importHistory(
    client,
    { ...state(days), historyJob: from },
    {
      reach: historyReach(days),
      stopped: () => messages.length >= stopAfter,
      jobDone: (job) => done.push(job),
      progress: ({ done: there, left }) => told.push(there / (there + left)),
      pauseMs: 0,
    },
  )
  return { messages, done, told, whole }
}

describe('the demo’s history', () => {
  it('brings the last days of all sites first, then the others, the year by the hour last', () => {
    const jobs = historyJobs(historyReach(400))
    const sites = DEMO_SITES.length
    expect(jobs).toHaveLength(3 * sites)
    expect(jobs.slice(0, sites).every(({ from, to }) => from === 3 && to === 0)).toBe(true)
    expect(
      jobs.slice(sites, 2 * sites).every(({ from, to, stepMs }) => from === 35 && to === 3 && stepMs === 300_000),
    ).toBe(true)
    expect(
      jobs.slice(2 * sites).every(({ from, to, stepMs }) => from === 400 && to === 35 && stepMs === 3_600_000),
    ).toBe(true)
    expect(historyJobs(historyReach(2))).toHaveLength(sites)
  })
  it('sends many devices a message, in order of time, of the tenant they belong to; inverters sleep at night', async () => {
    const { messages, done, whole } = await sent(1)
    expect(whole).toBe(true)
    expect(done).toEqual(DEMO_SITES.map((_, index) => index + 1))
    const newest = new Map<string, number>()
    const bySerial = new Map(
      DEMO_SITES.flatMap((site) => site.devices.map((device) => [device.serial, { site, device }] as const)),
    )
    for (const { readings, tenantId } of messages) {
      expect(readings.length).toBeLessThanOrEqual(5_000)
      for (const { deviceId, ts, metrics } of readings) {
        const { site, device } = bySerial.get(deviceId)!
        expect(tenantId).toBe(site.tenant)
        expect(ts).toBeGreaterThan(newest.get(deviceId) ?? 0)
        newest.set(deviceId, ts)
        expect(ts).toBeLessThan(SEEDED)
        expect(ts).toBeGreaterThan(SEEDED - 3 * DAY_MS)
        if (device.role === 'production') expect(sunHeight(site, ts)).toBeGreaterThan(-1)
        expect(Object.values(metrics).every(Number.isFinite)).toBe(true)
      }
    }
    const silent = [...bySerial].filter(([serial, { device }]) => !newest.has(serial) && device.trouble !== 'replaced')
    expect(silent).toEqual([])
  })
  it('is whole when its sums are there too, and says how far it is', async () => {
    const { told, whole } = await sent(1, 0, Infinity, [60, 30])
    expect(whole).toBe(true)
    const percents = told.map((part) => Math.round(part * 100))
    expect(percents).toEqual([...percents].sort((a, b) => a - b))
    expect(percents.slice(-4)).toEqual([67, 67, 83, 100])
  })
  it('goes on where it was cut off', async () => {
    const cut = await sent(1, 0, 3)
    expect(cut.whole).toBe(false)
    const rest = await sent(1, cut.done.at(-1)!)
    expect(rest.done[0]).toBe(cut.done.at(-1)! + 1)
    expect(rest.whole).toBe(true)
  })
})
