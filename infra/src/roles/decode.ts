/** Decoding and replays: `raw` to `readings`. */
import {
  createDecodeStage,
  createReplayRunner,
  type DecodeCounter,
  decodeProducers,
  type ReplayRequest,
  vendors,
} from '@heliograph/ingest'
import type { LogPosition } from '@heliograph/crm-core/contracts'
import { Counter } from 'prom-client'
import { createHeardConnections } from './heard-connections.ts'
import type { RoleContext } from './context.ts'
import type { RegistryFeed } from './registry-feed.ts'

export interface DecodeRole {
  start(unfinished: ReplayRequest[]): Promise<void>
  stop(): Promise<void>
  lag(): Promise<number>
  reached(ends: readonly LogPosition[]): boolean
}

export function createDecode(context: RoleContext, feed: RegistryFeed): DecodeRole {
  const { log, logger } = context
  const producers = decodeProducers(log)
  const onError = (error: unknown) => logger.error({ err: error }, 'decoding failed; trying again')
  const connections = createHeardConnections(context.link)
  const { heard } = connections
  const stage = createDecodeStage(
    { log, registry: feed.registry, vendors, count: counter(context), heard, onError },
    producers,
  )
  const replays = createReplayRunner({
    log,
    registry: feed.registry,
    vendors,
    producers,
    livePositions: () => stage.positions(),
    onError: (error) => logger.error({ err: error }, 'replay failed'),
  })
  /** Asked for before decoding stands where it stopped: a replay reaches up to there, and would find nothing to do now. */
  let early: ReplayRequest[] | undefined = []
  feed.onEvent((event) => {
    if (event.type !== 'replay.requested') return
    if (early) early.push(event)
    else replays.enqueue(event)
  })
  return {
    async start(unfinished) {
      await stage.start()
      // A claim that is newer than the registry's snapshot comes by its event, after the link that it needs.
      const known = ({ link }: ReplayRequest): boolean =>
        link === undefined ||
        (feed.registry.device(link.deviceId)?.links.some(({ externalId }) => externalId === link.externalId) ?? false)
      for (const request of [...unfinished.filter(known), ...(early ?? [])]) replays.enqueue(request)
      early = undefined
    },
    async stop() {
      connections.stop()
      await replays.stop()
      await stage.stop()
    },
    lag: () => stage.lag(),
    reached: (ends) => stage.reached(ends),
  }
}

function counter({ metrics }: RoleContext): DecodeCounter {
  const registers = [metrics]
  const messages = new Counter({
    name: 'helio_decode_messages_total',
    help: 'Raw messages decoded, by what became of them; their sum is what was received',
    labelNames: ['vendor', 'result'],
    registers,
  })
  const readings = new Counter({
    name: 'helio_decode_readings_total',
    help: 'Readings decoded: produced for a known device, or of an unclaimed one',
    labelNames: ['vendor', 'result'],
    registers,
  })
  return {
    message: (vendor, result) => messages.inc({ vendor, result }),
    readings: (vendor, result, count) => readings.inc({ vendor, result }, count),
  }
}
