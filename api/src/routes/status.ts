import { z } from 'zod'
import { timeSchema } from '@heliograph/crm-core/contracts'
import type { RouteModule } from '../http/api.ts'
import { createStatusHistory } from '../http/status-history.ts'

const partSchema = z.object({
  name: z.string(),
  state: z.enum(['ok', 'degraded', 'down']),
  /** Records behind; of a part that is down the last that is known, null where nothing is. */
  lag: z.number().nullable(),
  detail: z.string().optional(),
})

/** How the line from edge to store is doing: what is behind, what is down, how far back a replay reaches. */
export const statusRoutes: RouteModule = (api, { deps: { status }, now }) => {
  const history = createStatusHistory({ parts: () => status.parts(), now })
  api.addHook('onReady', (done) => {
    history.start()
    done()
  })
  api.addHook('onClose', (_instance, done) => {
    history.stop()
    done()
  })
  api.get(
    '/status/history',
    {
      config: { policy: { permission: 'pipeline:read' } },
      schema: {
        tags: ['status'],
        summary: 'How far behind every part was in the last half hour, every ten seconds',
        response: {
          200: z.object({
            items: z.array(
              z.object({
                name: z.string(),
                points: z.array(
                  z.object({ ts: timeSchema, lag: z.number().nullable(), state: z.enum(['ok', 'degraded', 'down']) }),
                ),
              }),
            ),
          }),
        },
      },
    },
    () => ({ items: history.read() }),
  )
  api.get(
    '/status',
    {
      config: { policy: { permission: 'pipeline:read' } },
      schema: {
        tags: ['status'],
        summary: 'State and lag of every part of the line',
        response: {
          200: z.object({
            status: z.enum(['ready', 'degraded', 'unavailable']),
            parts: z.array(partSchema),
            /** The oldest raw message still kept; null where nothing is. */
            replayableFrom: timeSchema.nullable(),
          }),
        },
      },
    },
    async () => {
      const [parts, from] = await Promise.all([status.parts(), status.replayableFrom?.()])
      const dead = parts.some((part) => part.vital === true && part.state === 'down')
      return {
        status: dead ? 'unavailable' : parts.every(({ state }) => state === 'ok') ? 'ready' : 'degraded',
        parts: parts.map(({ name, state, lag, detail }) => ({
          name,
          state,
          lag,
          ...(detail === undefined ? {} : { detail }),
        })),
        replayableFrom: from === undefined ? null : new Date(from).toISOString(),
      } as const
    },
  )
  api.post(
    '/status/settle',
    {
      config: { policy: { permission: 'pipeline:read' } },
      schema: {
        tags: ['status'],
        summary: 'Answers when everything that had come in is decoded, stored and rolled up',
        response: { 200: z.object({ settled: z.literal(true) }) },
      },
    },
    async () => {
      await status.settle()
      return { settled: true } as const
    },
  )
}
