/**
 * Keeps what sites should have given in step with their roll-ups: told which buckets changed, it computes those of the site and of
 * its neighbours again, a bounded amount at a time, beside the line and never in its way. The newest come first, so that the page
 * is not kept waiting by a history that is brought in.
 */
import { setImmediate as turn } from 'node:timers/promises'
import {
  addDays,
  BUCKET_MS,
  bucketOf,
  dayStart,
  list,
  localDate,
  MAX_PEERS,
  neighboursOf,
  PEER_KM,
  second,
  sql,
} from '@heliograph/crm-core'
import type { RegistryDevice, RegistrySite, SiteId, TenantId, Warehouse } from '@heliograph/crm-core/contracts'
import { DirtyRanges } from '../rollups/dirty-ranges.ts'
import { readMark, writeMark } from '../rollups/marks.ts'
import { Calibrations } from './calibrations.ts'
import { computeExpected, type ComputeDeps } from './compute.ts'
import { foldDays } from './days.ts'
import { siteInputs, type FirstHeard, type InputSite } from './site-inputs.ts'
import type { WeatherFeed } from './weather.ts'

export interface ExpectedRegistry {
  site(id: SiteId): RegistrySite | undefined
  sites(): Iterable<RegistrySite>
  devicesOfSite(id: SiteId): RegistryDevice[]
}
export interface ExpectedOptions {
  warehouse: Warehouse
  registry: ExpectedRegistry
  /** UTC milliseconds. */
  clock: () => number
  weather?: WeatherFeed
  onError(error: unknown): void
  /** Whether a long past is being rolled up: what rests on it is computed once, when all of it is there. */
  pastIsComing?(): boolean
  /** Time between two rounds. Default 15 s. */
  everyMs?: number
  /** Name of this worker's mark in the store. Default `expected`. */
  worker?: string
}
export interface ExpectedRound {
  /** Buckets computed. */
  buckets: number
  /** Local days whose factor was looked at. */
  days: number
  /** Sites that still wait. */
  waiting: number
}
export interface Expected {
  /** Roll-ups of a site changed; `to` exclusive. Cheap. */
  changed(siteId: SiteId, from: number, to: number): void
  /** A site's arrays, place or capacity changed: all its figures are another's. */
  siteChanged(siteId: SiteId): void
  /** Marks what was rolled up since the last time nothing waited. @returns how many sites' days */
  recover(): Promise<number>
  /** One bounded round. @param options `all`: until nothing waits */
  run(options?: { all?: boolean }): Promise<ExpectedRound>
  start(): void
  stop(): Promise<void>
  readonly waiting: number
}

const DAY_MS = 86_400_000
/** Roll-up buckets read by one group of queries. */
const PIECE_BUCKETS = 12_000
/** Sites whose backlog is looked through in one round; those that are put back wait behind the others. */
const SITES_AT_ONCE = 2_000
/** Work of one round; the rest waits for the next. */
const ROUND_MS = 2_500
const NEIGHBOURS_AGAIN_MS = 60_000
const MARK_EVERY_MS = 60_000
const MARK_SLACK_MS = 120_000
/** While a long past comes in, only what is younger than this is computed; but it does not wait for ever. */
const YOUNG_MS = 3 * DAY_MS
const PAST_LIMIT_MS = 15 * 60_000
/** How far back figures follow a change of a site's facts. */
const FACTS_REACH_MS = 400 * DAY_MS

const dayOf = (ts: number): number => Math.floor(ts / DAY_MS) * DAY_MS

interface Piece {
  tenantId: TenantId
  sites: { site: RegistrySite; from: number; to: number; since: number }[]
  /** How long the longest of them has been waiting. */
  since: number
  from: number
  to: number
}

export function createExpected(options: ExpectedOptions): Expected {
  const { warehouse, registry, clock, onError, everyMs = 15_000, worker = 'expected' } = options
  const calibrations = new Calibrations(warehouse)
  const firstHeard: FirstHeard = new Map()
  /** Roll-ups changed: neighbours are touched too. */
  const changes = new DirtyRanges<SiteId>()
  /** Figures to compute. */
  const queue = new DirtyRanges<SiteId>()
  /** Local days that are over and whose factor may be another. */
  const days = new DirtyRanges<SiteId>()
  /** Buckets that were computed before they were over. */
  const open = new Map<SiteId, number>()
  /** Start of the local day that was going on at the last look. */
  const todays = new Map<SiteId, number>()
  /** Sites whose facts changed. */
  const refacted = new Set<SiteId>()
  let recovered = false
  let near = new Map<SiteId, SiteId[]>()
  let nearAt = Number.NEGATIVE_INFINITY
  let lastVersion = 0
  let markedAt = Number.NEGATIVE_INFINITY
  let pastSince: number | undefined
  let running: Promise<ExpectedRound> | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  function nextVersion(): number {
    lastVersion = Math.max(lastVersion + 2, Math.floor(clock() * 1000))
    return lastVersion
  }
  const input = (siteId: SiteId): InputSite | undefined => {
    const site = registry.site(siteId)
    return site && { site, devices: registry.devicesOfSite(siteId) }
  }
  const deps: ComputeDeps = {
    warehouse,
    calibrations,
    firstHeard,
    neighbours: (siteId) => near.get(siteId) ?? [],
    input,
  }

  /** A day that is over tells of its site's factor; after a start the last one may not have been heard. */
  function closeDays(now: number): void {
    for (const { id, timezone } of registry.sites()) {
      const start = dayStart(timezone, localDate(timezone, now))
      const before = todays.get(id)
      if (before === start) continue
      todays.set(id, start)
      days.add(id, before ?? dayStart(timezone, localDate(timezone, start - 1)), start, now)
    }
  }

  function findNeighbours(now: number): void {
    if (now - nearAt < NEIGHBOURS_AGAIN_MS) return
    nearAt = now
    closeDays(now)
    near = new Map()
    // A neighbour is one of the same tenant: nobody learns of another's plants.
    for (const sites of Map.groupBy(registry.sites(), (site) => site.tenantId).values()) {
      const places = sites.flatMap(({ id, latitude, longitude, arrays }) =>
        latitude !== undefined && longitude !== undefined && arrays !== undefined ? [{ id, latitude, longitude }] : [],
      )
      for (const [id, ids] of neighboursOf(places, PEER_KM, MAX_PEERS)) near.set(id, ids)
    }
  }

  /** All that a site ever gave is another's when its arrays, place or capacity are. */
  async function followFacts(now: number): Promise<void> {
    if (refacted.size === 0) return
    const ids = [...refacted]
    const rows = await warehouse.query<{ site: SiteId; first: number; last: number }>(
      sql`SELECT site_id AS site, toUnixTimestamp(min(r.ts)) * 1000 AS first, toUnixTimestamp(max(r.ts)) * 1000 AS last
        FROM rollup_site_1d AS r FINAL WHERE site_id IN ${list(ids)} AND r.ts >= ${second(now - FACTS_REACH_MS)} GROUP BY tenant_id, site`,
      { scope: 'system', lane: 'heavy', timeoutMs: 60_000, maxRows: ids.length + 1 },
    )
    for (const id of ids) refacted.delete(id)
    for (const { site, first, last } of rows) changes.add(site, first, Math.min(now, last + 26 * 3_600_000), now)
  }

  /** From what changed to what must be computed. */
  function spread(now: number): void {
    const today = (siteId: SiteId) => {
      const site = registry.site(siteId)
      return site && dayStart(site.timezone, localDate(site.timezone, now))
    }
    for (const { key: siteId, ranges } of changes.take()) {
      const startOfToday = today(siteId)
      if (startOfToday === undefined) continue
      for (const { from, to } of ranges) {
        // The bucket before may have been open when it was computed.
        for (const id of [siteId, ...(near.get(siteId) ?? [])]) queue.add(id, bucketOf(from) - BUCKET_MS, to, now)
        if (from < startOfToday) days.add(siteId, from, Math.min(to, startOfToday), now)
      }
    }
    for (const [siteId, ts] of open)
      if (ts + BUCKET_MS <= now) {
        open.delete(siteId)
        queue.add(siteId, ts, ts + BUCKET_MS, now)
      }
  }

  /** Pieces of at most a day, the newest first, of sites that lie together. @param oldest what is older stays where it is */
  function pieces(dirty: DirtyRanges<SiteId>, oldest: number): Piece[] {
    const byDay = new Map<string, Piece & { day: number }>()
    let taken = 0
    for (const { key: siteId, ranges, since } of dirty.take(() => taken++ < SITES_AT_ONCE)) {
      const site = registry.site(siteId)
      if (!site) continue
      for (const range of ranges) {
        dirty.add(siteId, range.from, Math.min(range.to, oldest), since)
        for (let from = Math.max(range.from, oldest); from < range.to; from = dayOf(from) + DAY_MS) {
          const day = dayOf(from)
          const to = Math.min(range.to, day + DAY_MS)
          const key = `${site.tenantId}|${day}`
          const piece = byDay.get(key) ?? { day, tenantId: site.tenantId, sites: [], since, from, to }
          piece.sites.push({ site, from, to, since })
          byDay.set(key, piece)
        }
      }
    }
    const split = [...byDay.values()].sort((a, b) => b.day - a.day).map(splitDay)
    // Of one day whoever waits longest, so that a round that ends early leaves nobody behind for ever.
    return split.flatMap((parts) => parts.sort((a, b) => a.since - b.since))
  }
  function splitDay({ tenantId, sites }: Piece): Piece[] {
    const sorted = [...sites].sort((a, b) => place(a.site) - place(b.site) || a.from - b.from)
    const found: Piece[] = []
    let current: Piece | undefined
    for (const each of sorted) {
      const from = Math.min(current?.from ?? each.from, each.from)
      const to = Math.max(current?.to ?? each.to, each.to)
      // With their neighbours about twice as many are read.
      const reads = ((current?.sites.length ?? 0) + 1) * 2 * ((to - from) / BUCKET_MS)
      if (!current || reads > PIECE_BUCKETS) {
        current = { tenantId, sites: [], since: each.since, from: each.from, to: each.to }
        found.push(current)
      }
      current.sites.push(each)
      current.since = Math.min(current.since, each.since)
      current.from = Math.min(current.from, each.from)
      current.to = Math.max(current.to, each.to)
    }
    return found
  }
  const place = ({ latitude = 91, longitude = 0 }: RegistrySite): number => Math.round(latitude) * 1000 + longitude

  async function compute(piece: Piece, now: number): Promise<number> {
    const sites = [...new Map(piece.sites.map(({ site }) => [site.id, site])).values()]
    const version = nextVersion()
    const range = { from: piece.from, to: piece.to }
    const result = await computeExpected(deps, { tenantId: piece.tenantId, sites, range, now, version })
    await warehouse.insert('expected_site_5m', result.rows)
    for (const { siteId, ts } of result.open) open.set(siteId, ts)
    if (result.rows.length > 0)
      await foldDays(warehouse, { tenantId: piece.tenantId, sites, range, removed: result.removed > 0 }, nextVersion())
    return result.buckets
  }

  async function learn(piece: Piece, now: number): Promise<number> {
    const byDay = new Map<string, { sites: RegistrySite[]; from: number; to: number; date: string }>()
    for (const { site, from, to } of piece.sites)
      for (const date of new Set([localDate(site.timezone, from), localDate(site.timezone, to - 1)])) {
        const start = dayStart(site.timezone, date)
        const entry = byDay.get(`${start}`) ?? {
          sites: [],
          from: start,
          to: dayStart(site.timezone, addDays(date, 1)),
          date,
        }
        if (!entry.sites.includes(site)) entry.sites.push(site)
        byDay.set(`${start}`, entry)
      }
    let count = 0
    for (const { sites, from, to, date } of byDay.values()) {
      if (to > now) continue
      const inputs = sites.flatMap(({ id }) => input(id) ?? [])
      const buckets = await siteInputs(warehouse, piece.tenantId, inputs, { from, to }, firstHeard)
      const learned = sites.map((site) => ({
        site,
        date,
        buckets: [...(buckets.get(site.id)?.values() ?? [])].sort((a, b) => a.ts - b.ts),
      }))
      for (const range of await calibrations.learn(piece.tenantId, learned, now, nextVersion()))
        for (const id of [range.siteId, ...(near.get(range.siteId) ?? [])]) queue.add(id, range.from, range.to, now)
      count += learned.length
    }
    return count
  }

  /** Does pieces until the time is over; what is not done is put back. */
  async function work(
    dirty: DirtyRanges<SiteId>,
    until: number,
    each: (piece: Piece) => Promise<number>,
    { from, isDue = () => true }: { from: number; isDue?: (piece: Piece) => boolean },
  ): Promise<number> {
    let done = 0
    let failed: unknown
    let restored = false
    for (const piece of pieces(dirty, from)) {
      let finished = false
      if (failed === undefined && !stopped && isDue(piece) && (done === 0 || performance.now() < until))
        try {
          done += await each(piece)
          finished = true
          await turn()
        } catch (error) {
          failed = error
        }
      if (finished) continue
      restored = true
      for (const { site, from, to, since } of piece.sites) dirty.add(site.id, from, to, since)
    }
    if (failed !== undefined && restored) throw failed as Error
    return done
  }

  /** Begin of the first day whose turn it is. */
  function oldestDue(now: number): number {
    if (!options.pastIsComing?.()) pastSince = undefined
    else pastSince ??= now
    return pastSince !== undefined && now - pastSince < PAST_LIMIT_MS ? dayOf(now - YOUNG_MS) : 0
  }

  async function round(all: boolean): Promise<ExpectedRound> {
    const now = clock()
    const until = performance.now() + ROUND_MS
    findNeighbours(now)
    if (options.weather)
      for (const { siteId, from, to } of await options.weather.round(registry.sites(), now, nextVersion()))
        queue.add(siteId, from, to, now)
    await followFacts(now)
    spread(now)
    const idle = queue.size === 0 && days.size === 0
    // What is shown now first, then the factors, then what rests on them.
    const isLive = (piece: Piece) => piece.to > now - 2 * 3_600_000
    const from = all ? 0 : oldestDue(now)
    let buckets = await work(queue, until, (piece) => compute(piece, now), { from, isDue: isLive })
    const learned = await work(days, until, (piece) => learn(piece, now), { from })
    if (days.size === 0 || from > 0) buckets += await work(queue, until, (piece) => compute(piece, now), { from })
    if ((idle || (queue.size === 0 && days.size === 0)) && now - markedAt >= MARK_EVERY_MS) {
      await writeMark(warehouse, worker, now - MARK_SLACK_MS)
      markedAt = now
    }
    return { buckets, days: learned, waiting: waiting() }
  }
  const waiting = (): number => changes.size + queue.size + days.size + refacted.size

  async function run({ all = false } = {}): Promise<ExpectedRound> {
    while (running) await running.catch(() => undefined)
    running = (async () => {
      const total = await round(all)
      while (all && total.waiting > 0 && !stopped) {
        const next = await round(all)
        total.buckets += next.buckets
        total.days += next.days
        total.waiting = next.waiting
      }
      return total
    })()
    try {
      return await running
    } finally {
      running = undefined
    }
  }

  async function recover(): Promise<number> {
    const mark = await readMark(warehouse, worker)
    const rows = await warehouse.query<{ site: SiteId; first: number; last: number }>(
      sql`SELECT site_id AS site, toUnixTimestamp(min(r.ts)) * 1000 AS first, toUnixTimestamp(max(r.ts)) * 1000 AS last
        FROM rollup_site_5m AS r WHERE version >= ${Math.max(0, mark) * 1000} AND r.ts >= ${second(0)}
        GROUP BY tenant_id, site, toDate(r.ts)`,
      { scope: 'system', lane: 'heavy', timeoutMs: 300_000, maxRows: 5_000_000 },
    )
    for (const { site, first, last } of rows) changes.add(site, first, last + BUCKET_MS, clock())
    return rows.length
  }

  return {
    changed: (siteId, from, to) => changes.add(siteId, from, to, clock()),
    siteChanged(siteId) {
      nearAt = Number.NEGATIVE_INFINITY
      refacted.add(siteId)
    },
    recover,
    run,
    start() {
      const tick = async (): Promise<void> => {
        // Again until the store answers.
        if (!recovered) await recover()
        recovered = true
        await run()
      }
      const next = (afterMs: number): void => {
        timer = setTimeout(() => {
          void tick()
            .catch(onError)
            // Half of the time where there is more to do than fits into a round: the line goes first.
            .finally(() => stopped || next(queue.size + days.size > 0 ? Math.min(everyMs, ROUND_MS) : everyMs))
        }, afterMs)
      }
      next(Math.min(everyMs, 1_000))
    },
    async stop() {
      clearTimeout(timer)
      stopped = true
      await running?.catch(() => undefined)
    },
    get waiting() {
      return waiting()
    },
  }
}
