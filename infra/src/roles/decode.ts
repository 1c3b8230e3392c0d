/** Decoding: `raw` to `readings`, and again where a replay was asked for. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createDecodeStage,
  DECODE_GROUP,
  type DecodeCounter,
  decodeProducers,
  type ReplayRequest,
  vendors,
} from '@heliograph/ingest'
import { type LogPosition, TOPICS } from '@heliograph/crm-core/contracts'
import type { ReplayEffects } from '@heliograph/stream'
import { Counter, type Registry } from 'prom-client'
import { openCrmReader } from '../crm/index.ts'
import type { RoleContext } from './context.ts'
import type { DecodeShare } from './decode-share.ts'
import { FRESH_MS, watchFreshness } from './fresh-registry.ts'
import { createHeardConnections } from './heard-connections.ts'
import { endsOf, hasReached, lagOf } from './log-progress.ts'
import { createRegistryFeed, type RegistryFeed } from './registry-feed.ts'
import { createReplays } from './replays.ts'

/** Replays write beside it, in lanes of their own. */
const LANE = 0
/** Waited for beyond that: the clocks of two machines do not run at quite the same pace. */
const FRESH_MARGIN_MS = 500

export interface DecodeRole {
  start(unfinished: ReplayRequest[]): Promise<void>
  stop(): Promise<void>
  /** Messages that wait to be decoded. */
  lag(): Promise<number>
  /** Whether everything before these offsets is decoded. */
  reached(ends: readonly LogPosition[]): Promise<boolean>
  /** Resolves when what replays have stored by now was told. */
  replaysTold(): Promise<void>
}
type OnStored = (effects: ReplayEffects) => void

/** Live decoding and replays in one process: it alone decodes. */
export function createDecode(context: RoleContext, feed: RegistryFeed, onStored: OnStored): DecodeRole {
  const live = createLiveDecode(context, feed)
  const replays = createReplayRole(context, feed, onStored, () => Promise.resolve(live.stage.positions()))
  return {
    async start(unfinished) {
      await live.stage.start()
      replays.start(unfinished)
    },
    async stop() {
      await replays.stop()
      await live.stop()
    },
    lag: () => live.stage.lag(),
    reached: (ends) => Promise.resolve(live.stage.reached(ends)),
    replaysTold: () => replays.told(),
  }
}

/** Replays beside decoders in any number of processes, this one among them. */
export function createReplaysOfMany(context: RoleContext, feed: RegistryFeed, onStored: OnStored): DecodeRole {
  const { log, logger } = context
  const ending = new AbortController()
  /** What was appended before now may have been decoded by a registry that is as old as one may be. */
  async function ends(): Promise<LogPosition[]> {
    await sleep(FRESH_MS + FRESH_MARGIN_MS, undefined, { signal: ending.signal })
    for (;;) {
      try {
        return await endsOf(log, TOPICS.raw)
      } catch (error) {
        logger.error({ err: error }, 'a replay waits for the log; trying again')
        await sleep(FRESH_MARGIN_MS, undefined, { signal: ending.signal })
      }
    }
  }
  const replays = createReplayRole(context, feed, onStored, ends)
  return {
    start: (unfinished) => Promise.resolve(replays.start(unfinished)),
    async stop() {
      ending.abort()
      await replays.stop()
    },
    lag: () => lagOf(log, TOPICS.raw, DECODE_GROUP),
    reached: (wanted) => hasReached(log, TOPICS.raw, DECODE_GROUP, wanted),
    replaysTold: () => replays.told(),
  }
}

/** One of several decoders: its share of the partitions, by a registry that is never older than it may be. */
export async function startDecoder(context: RoleContext): Promise<{ stop(): Promise<void> }> {
  const { log, logger, settings } = context
  const onError = (what: string) => (error: unknown) => logger.error({ err: error }, what)
  await log.start()
  const reader = await openCrmReader({ url: settings.crmUrl })
  const feed = createRegistryFeed({
    log,
    reader,
    group: context.ownGroup,
    onError: onError('events could not be read'),
  })
  await feed.start()
  const fresh = watchFreshness(log, feed, onError('how new the registry is could not be asked'))
  const live = createLiveDecode(context, feed, (signal) => fresh.wait(signal))
  await live.stage.start()
  context.link.on('decode.share', (): DecodeShare => {
    const share = live.stage.share()
    return { partitions: share?.partitions ?? null, rebalances: share?.rebalances ?? 0 }
  })
  return {
    async stop() {
      await live.stop()
      await fresh.stop()
      await feed.stop()
      await reader.stop()
      await log.stop()
    },
  }
}

function createLiveDecode(context: RoleContext, feed: RegistryFeed, ready?: (signal: AbortSignal) => Promise<void>) {
  const { log, logger } = context
  const connections = createHeardConnections(context.link)
  const stage = createDecodeStage(
    {
      log,
      registry: feed.registry,
      vendors,
      count: counter(context),
      heard: connections.heard,
      onError: (error) => logger.error({ err: error }, 'decoding failed; trying again'),
      ...(ready && { ready }),
      ...(context.tracing && { tracing: context.tracing }),
    },
    decodeProducers(log, LANE),
  )
  return {
    stage,
    async stop() {
      connections.stop()
      await stage.stop()
    },
  }
}

/** @param ends up to where a replay that is asked for now must reach; behind that everything is decoded with what is known now */
function createReplayRole(
  { logger }: RoleContext,
  feed: RegistryFeed,
  onStored: OnStored,
  ends: () => Promise<LogPosition[]>,
) {
  const replays = createReplays({ registry: feed.registry, logger, onStored })
  const run = (request: ReplayRequest): void =>
    void ends().then(
      (upTo) => replays.run(request, upTo),
      // Only at the end of the process, which begins again with what is unfinished.
      () => undefined,
    )
  /** Asked for before decoding stands where it stopped: a replay reaches up to there, and would find nothing to do now. */
  let early: ReplayRequest[] | undefined = []
  feed.onEvent((event) => {
    if (event.type !== 'replay.requested') replays.event(event)
    else if (early) early.push(event)
    else run(event)
  })
  return {
    start(unfinished: ReplayRequest[]): void {
      // A claim that is newer than the registry's snapshot comes by its event, after the link that it needs.
      const known = ({ link }: ReplayRequest): boolean =>
        link === undefined ||
        (feed.registry.device(link.deviceId)?.links.some(({ externalId }) => externalId === link.externalId) ?? false)
      for (const request of [...unfinished.filter(known), ...(early ?? [])]) run(request)
      early = undefined
    },
    stop: () => replays.stop(),
    told: () => replays.told(),
  }
}

/** Counts plainly and turns that into metrics when somebody looks: this runs for every message. */
function counter({ metrics }: RoleContext): DecodeCounter {
  const messages = tally(
    metrics,
    'helio_decode_messages_total',
    'Raw messages decoded, by what became of them; their sum is what was received',
  )
  const readings = tally(
    metrics,
    'helio_decode_readings_total',
    'Readings decoded: produced for a known device, or of an unclaimed one; superseded: of those produced, replaced before they were written',
  )
  return { message: (vendor, result) => messages(vendor, result, 1), readings }
}

function tally(registry: Registry, name: string, help: string) {
  const counts = new Map<string, Map<string, number>>()
  new Counter({
    name,
    help,
    labelNames: ['vendor', 'result'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [vendor, results] of counts) for (const [result, count] of results) this.inc({ vendor, result }, count)
    },
  })
  return (vendor: string, result: string, count: number): void => {
    let results = counts.get(vendor)
    if (!results) counts.set(vendor, (results = new Map<string, number>()))
    results.set(result, (results.get(result) ?? 0) + count)
  }
}
