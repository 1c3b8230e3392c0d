/**
 * Thirty-five days at five minutes and twelve months by the hour before them, through the ordinary import, in the background: first
 * the last days of all sites, so that pages show something at once, then the others site by site.
 */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../cli/client.ts'
import { type Measured, SiteMeasures } from './measures.ts'
import type { DemoSite } from './plan.ts'
import { dayBegin, dayNumber, FINE_DAYS, STEP_MS } from './site-day.ts'
import { DEMO_SITES } from './sites.ts'
import { sunHeight } from './sky.ts'
import type { DemoState } from './state.ts'

const HOUR_MS = 3_600_000
/** Readings of one message: many devices at once, within the bound of an import. */
const CHUNK = 5_000
/** Below this the inverters of a site sleep and log nothing. */
const AWAKE_DEG = -1

interface HistoryReach {
  /** Days at five minutes whose last ones come first. */
  fineDays: number
  firstDays: number
  /** Days by the hour before those. */
  coarseDays: number
}
const FIRST_DAYS = 3
/** @param days of the past in all */
export const historyReach = (days: number): HistoryReach => ({
  fineDays: Math.min(days, FINE_DAYS),
  firstDays: Math.min(days, FIRST_DAYS),
  coarseDays: Math.max(0, days - FINE_DAYS),
})

interface Job {
  site: number
  /** Days back from the day of the start; `to` is the later one. */
  from: number
  to: number
  stepMs: number
}
/** What is to be brought in, in this order. */
export function historyJobs({ fineDays, firstDays, coarseDays }: HistoryReach): Job[] {
  const all = DEMO_SITES.map((_, site) => site)
  const jobs = (from: number, to: number, stepMs: number): Job[] =>
    from > to ? all.map((site) => ({ site, from, to, stepMs })) : []
  return [
    ...jobs(firstDays, 0, STEP_MS),
    ...jobs(fineDays, firstDays, STEP_MS),
    ...jobs(fineDays + coarseDays, fineDays, HOUR_MS),
  ]
}

/** What is there and what is still to come, about: in readings. */
export interface HistoryProgress {
  done: number
  left: number
}
export interface ImportOptions {
  reach: HistoryReach
  stopped(): boolean
  /** Kept, so that a start that was cut off goes on here. */
  jobDone(done: number): void
  progress?(progress: HistoryProgress): void
  /** Lets the instance breathe between two requests, milliseconds. */
  pauseMs?: number
}

/** By the part's name. */
async function lags(client: Client): Promise<ReadonlyMap<string, number>> {
  const { parts } = await client.call<{ parts: { name: string; lag: number | null }[] }>('GET', '/readyz')
  return new Map(parts.map(({ name, lag }) => [name, lag ?? 0]))
}
/** What devices say now must not wait behind what they said last year. */
async function isBehind(client: Client): Promise<boolean> {
  return [...(await lags(client))].some(([name, lag]) => lag > (MOST_BEHIND[name] ?? Infinity))
}
/** Messages that wait to be decoded, readings that wait to be stored and shown. */
const MOST_BEHIND: Readonly<Record<string, number>> = { decode: 40, store: 20_000, live: 20_000 }
const BEHIND_PAUSE_MS = 150

/** Waits for the roll-ups of what was sent; on a machine that is busy with other things not for long. */
async function rolledUp(client: Client): Promise<void> {
  const limit = new AbortController()
  const settled = client.call('POST', '/api/v1/status/settle').catch(() => undefined)
  await Promise.race([settled, sleep(ROLL_UP_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => undefined)])
  limit.abort()
}
const ROLL_UP_LIMIT_MS = 30_000

/** Of all that a past takes, the part that is left when all of it is stored: its hours, days and months. */
const SUMS_PART = 1 / 3
const LOOK_AGAIN_MS = 2_000
/** Waits until the sums of what was sent are there. @param sum what was sent, in readings */
async function summedUp(client: Client, sum: number, options: ImportOptions): Promise<boolean> {
  const all = (sum * SUMS_PART) / (1 - SUMS_PART)
  let most = 0
  while (!options.stopped()) {
    const lag = (await lags(client)).get('rollups') ?? 0
    if (lag === 0) return true
    most = Math.max(most, lag)
    options.progress?.({ done: sum + all * (1 - lag / most), left: (all * lag) / most })
    await sleep(LOOK_AGAIN_MS)
  }
  return false
}

/** Readings of a job, about: what produces is awake half of the time. */
const sizeOf = ({ site, from, to, stepMs }: Job): number =>
  DEMO_SITES[site]!.devices.reduce((sum, { role }) => sum + (role === 'production' ? 0.5 : 1), 0) *
  (((from - to) * 24 * HOUR_MS) / stepMs)

/** @returns whether all of it is in */
export async function importHistory(client: Client, state: DemoState, options: ImportOptions): Promise<boolean> {
  const { reach, pauseMs = 5 } = options
  const jobs = historyJobs(reach)
  const sizes = jobs.map(sizeOf)
  const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0)
  async function send(readings: readonly ImportReading[], tenantId: string): Promise<void> {
    await client.call('POST', '/api/v1/imports', { readings }, { tenantId })
    await sleep(pauseMs)
    while (!options.stopped() && (await isBehind(client))) await sleep(BEHIND_PAUSE_MS)
  }
  for (let index = state.historyJob ?? jobs.length; index < jobs.length; index++) {
    const job = jobs[index]!
    const { tenantId } = state.devices[DEMO_SITES[job.site]!.devices[0]!.serial]!
    // The next message is made while one is on its way.
    let sending: Promise<void> | undefined
    for await (const chunk of chunksOf(job, state)) {
      await sending
      if (options.stopped()) return false
      sending = send(chunk, tenantId)
      sending.catch(() => undefined)
    }
    await sending
    // The last days of all sites are rolled up before more comes: charts show them rather than nothing until the end.
    if (index + 1 === DEMO_SITES.length && !options.stopped()) await rolledUp(client)
    options.jobDone(index + 1)
    const done = sum(sizes.slice(0, index + 1))
    options.progress?.({ done, left: sum(sizes) / (1 - SUMS_PART) - done })
  }
  const whole = await summedUp(client, sum(sizes), options)
  if (whole) options.progress?.({ done: sum(sizes), left: 0 })
  return whole
}

interface ImportReading extends Pick<Measured, 'metrics' | 'status'> {
  deviceId: string
  ts: number
}
/** Readings of a job in messages, in order of time. */
async function* chunksOf({ site: at, from, to, stepMs }: Job, state: DemoState): AsyncGenerator<ImportReading[]> {
  const site = DEMO_SITES[at]!
  const measures = new SiteMeasures(site, state.seededAt)
  const today = dayNumber(site, state.seededAt)
  let chunk: ImportReading[] = []
  // Backwards to the first day once, so that counters are known; then forwards.
  for (let day = today - from; day <= today - to; day++) {
    await turn()
    const begin = dayBegin(site, day)
    const end = day === today - to ? (to === 0 ? state.seededAt : begin) : begin + 24 * HOUR_MS
    for (let ts = begin + STEP_MS / 2; ts < end; ts += stepMs) {
      for (const reading of readingsAt(site, measures, ts, state, stepMs === STEP_MS)) chunk.push(reading)
      if (chunk.length < CHUNK - site.devices.length) continue
      yield chunk
      chunk = []
    }
  }
  if (chunk.length > 0) yield chunk
}

/** @param fine told by the logger itself; what is older comes from a portal that kept power and counters alone */
function readingsAt(
  site: DemoSite,
  measures: SiteMeasures,
  ts: number,
  state: DemoState,
  fine: boolean,
): ImportReading[] {
  const awake = sunHeight(site, ts) > AWAKE_DEG
  return measures.at(ts).flatMap((measured, index) => {
    const device = site.devices[index]!
    if (!measured || (!awake && device.role === 'production')) return []
    const { dc_power_w, inverter_temp_c: _unkept, ...kept } = measured.metrics
    const metrics = fine && dc_power_w !== undefined ? { ...kept, dc_power_w } : kept
    return [
      { deviceId: state.devices[device.serial]!.id, ts, metrics, ...(measured.status && { status: measured.status }) },
    ]
  })
}
