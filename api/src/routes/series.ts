import { z } from 'zod'
import {
  isExpectedSum,
  MAX_WIDTH,
  requirePermission,
  SERIES_BUCKETS,
  seriesQuery,
  tenantOf,
  type GaugePoint,
  type Series,
  type SeriesRequest,
  type SumPoint,
} from '@heliograph/crm-core'
import { dateSchema, timeSchema } from '@heliograph/crm-core/contracts'
import { type RouteModule } from '../http/api.ts'
import { csvLine, wantsCsv } from '../http/csv.ts'
import { expectedOf, isExpectedMetric } from '../http/expected-power.ts'
import { resolveScope, seriesScopeSchema } from '../http/series-scope.ts'
import { spanOf, timeQuerySchema } from '../http/time.ts'
import { callerOf, dbOf } from '../plugins/caller.ts'

const tags = ['telemetry']
const DAY_MS = 86_400_000
const MAX_WINDOW_MS = 30 * 366 * DAY_MS
const MAX_METRICS = 12

const metricName = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'is not a metric')
const metricsSchema = z
  .union([metricName, z.array(metricName).min(1).max(MAX_METRICS)])
  .transform((names) => [...new Set([names].flat())])

const pointSchema = z.union([
  z.object({ ts: timeSchema, date: dateSchema.optional(), avg: z.number(), min: z.number(), max: z.number() }),
  z.object({ ts: timeSchema, date: dateSchema.optional(), sum: z.number() }),
])
const answerSchema = z.object({
  scope: z.string(),
  bucket: z.enum(SERIES_BUCKETS),
  timezone: z.string(),
  series: z.array(
    z.object({
      metric: z.string(),
      unit: z.string(),
      /** Which devices, or which way of counting, the numbers come from. */
      source: z.string(),
      points: z.array(pointSchema),
      /** Share of the expected readings that is there. */
      coverage: z.number(),
    }),
  ),
})

/** Charts: one query layer behind page, report, export and API, so a number is the same everywhere. */
export const seriesRoutes: RouteModule = (api, { deps, now }) => {
  const { db, warehouse, curves } = deps

  api.get(
    '/series',
    {
      config: { policy: { permission: 'telemetry:read' } },
      schema: {
        tags,
        summary: 'Curves and bars over a window, thinned to a width; `Accept: text/csv` gives the same as CSV',
        querystring: z.strictObject({
          scope: seriesScopeSchema,
          metric: metricsSchema,
          from: timeQuerySchema.optional(),
          to: timeQuerySchema.optional(),
          width: z.coerce.number().int().min(1).max(MAX_WIDTH).default(800),
          bucket: z.enum(SERIES_BUCKETS).default('auto'),
        }),
        response: { 200: answerSchema },
      },
    },
    async (request, reply) => {
      const { query } = request
      const database = dbOf(request, db)
      const resolved = await resolveScope(database, query.scope)
      const { scope, target, timezone } = resolved
      const span = spanOf(query, timezone, { now: now(), defaultMs: DAY_MS, maxMs: MAX_WINDOW_MS })
      const metrics = query.metric.filter((name) => !isExpectedMetric(name))
      const expected = query.metric.filter(isExpectedMetric)
      const ask: SeriesRequest = {
        tenantId: tenantOf(database.caller),
        target,
        timezone,
        metrics,
        ...span,
        width: query.width,
        bucket: query.bucket,
        now: now(),
      }
      // Asked for alone it still needs a resolution: that of what it is compared with.
      const beside = expected.every(isExpectedSum) ? 'energy_wh' : 'ac_power_w'
      const main = await seriesQuery(warehouse, scope, metrics.length > 0 ? ask : { ...ask, metrics: [beside] }, curves)
      const series = metrics.length > 0 ? main.series : []
      if (expected.length > 0)
        series.push(...(await expectedOf(database, warehouse, resolved, { ...ask, bucket: main.bucket }, expected)))

      if (wantsCsv(request.headers.accept)) {
        requirePermission(callerOf(request), 'telemetry:export')
        return reply
          .header('content-type', 'text/csv; charset=utf-8')
          .header('content-disposition', `attachment; filename="series-${query.scope.replace(':', '-')}.csv"`)
          .serializer((text) => text as string)
          .send(csvOf(series) as never)
      }
      const answer: z.infer<typeof answerSchema> = {
        scope: query.scope,
        bucket: main.bucket,
        timezone: main.timezone,
        series: series.map((one) => ({ ...one, points: one.points.map(presentPoint) })),
      }
      // Tens of thousands of points, all made here: checking each against the schema would cost more than the query.
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .serializer((text) => text as string)
        .send(JSON.stringify(answer) as never)
    },
  )
}

/** Amounts per bucket have no extremes. */
const isSumMetric = (metric: string): boolean =>
  ['energy_wh', 'import_wh', 'export_wh'].includes(metric) || isExpectedSum(metric)

function presentPoint({ ts, ...values }: GaugePoint | SumPoint) {
  return { ts: new Date(ts).toISOString(), ...values }
}

/** One line per instant, one column per metric; a gauge has its extremes beside it. */
function csvOf(series: readonly Series[]): string {
  const columns: string[] = ['ts', 'date']
  const rows = new Map<number, Record<string, unknown>>()
  for (const { metric, points } of series) {
    columns.push(metric, ...(isSumMetric(metric) ? [] : [`${metric}_min`, `${metric}_max`]))
    for (const point of points) {
      let row = rows.get(point.ts)
      if (row === undefined) rows.set(point.ts, (row = { ts: new Date(point.ts).toISOString() }))
      if ('date' in point && point.date !== undefined) row['date'] = point.date
      if ('sum' in point) row[metric] = point.sum
      else Object.assign(row, { [metric]: point.avg, [`${metric}_min`]: point.min, [`${metric}_max`]: point.max })
    }
  }
  let text = csvLine(columns)
  for (const [, row] of [...rows].sort(([a], [b]) => a - b)) text += csvLine(columns.map((name) => row[name]))
  return text
}
