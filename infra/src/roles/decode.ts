/** Decoding: `raw` to `readings`, and again where a replay was asked for. */
import { createDecodeStage, type DecodeCounter, decodeProducers, type ReplayRequest, vendors } from '@heliograph/ingest'
import type { LogPosition } from '@heliograph/crm-core/contracts'
import type { ReplayEffects } from '@heliograph/stream'
import { Counter, type Registry } from 'prom-client'
import { createHeardConnections } from './heard-connections.ts'
import type { RoleContext } from './context.ts'
import type { RegistryFeed } from './registry-feed.ts'
import { createReplays } from './replays.ts'

/** Replays write beside it, in lanes of their own. */
const LANE = 0

export interface DecodeRole {
  start(unfinished: ReplayRequest[]): Promise<void>
  stop(): Promise<void>
  lag(): Promise<number>
  reached(ends: readonly LogPosition[]): boolean
  /** Resolves when what replays have stored by now was told. */
  replaysTold(): Promise<void>
}

export function createDecode(
  context: RoleContext,
  feed: RegistryFeed,
  onStored: (effects: ReplayEffects) => void,
): DecodeRole {
  const { log, logger } = context
  const producers = decodeProducers(log, LANE)
  const onError = (error: unknown) => logger.error({ err: error }, 'decoding failed; trying again')
  const connections = createHeardConnections(context.link)
  const { heard } = connections
  const stage = createDecodeStage(
    {
      log,
      registry: feed.registry,
      vendors,
      count: counter(context),
      heard,
      onError,
      ...(context.tracing && { tracing: context.tracing }),
    },
    producers,
  )
  const replays = createReplays({ registry: feed.registry, logger, onStored })
  /** Asked for before decoding stands where it stopped: a replay reaches up to there, and would find nothing to do now. */
  let early: ReplayRequest[] | undefined = []
  feed.onEvent((event) => {
    if (event.type !== 'replay.requested') replays.event(event)
    else if (early) early.push(event)
    else replays.run(event, stage.positions())
  })
  return {
    async start(unfinished) {
      await stage.start()
      // A claim that is newer than the registry's snapshot comes by its event, after the link that it needs.
      const known = ({ link }: ReplayRequest): boolean =>
        link === undefined ||
        (feed.registry.device(link.deviceId)?.links.some(({ externalId }) => externalId === link.externalId) ?? false)
      for (const request of [...unfinished.filter(known), ...(early ?? [])]) replays.run(request, stage.positions())
      early = undefined
    },
    async stop() {
      connections.stop()
      await replays.stop()
      await stage.stop()
    },
    lag: () => stage.lag(),
    reached: (ends) => stage.reached(ends),
    replaysTold: () => replays.told(),
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
