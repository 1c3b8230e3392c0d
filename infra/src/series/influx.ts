/**
 * Raw curves in InfluxDB 2. Batches are ours: one request each, done when it is answered with 204, so that the client's own buffer,
 * which drops and forgets, holds nothing. Questions are one fixed template; what is put into it is checked or a number.
 */
import { flux, fluxDuration, HttpError, InfluxDB } from '@influxdata/influxdb-client'
import {
  type CurvePoint,
  type CurveReading,
  type CurveRequest,
  idPattern,
  isMetric,
  type Metric,
  SeriesError,
  type SeriesStore,
} from '@heliograph/crm-core/contracts'
import type { InfluxOptions } from './influx-options.ts'

const MEASUREMENT = 'readings'
/** Curves of two days, and some hours for what comes late. */
const REACH_MS = 48 * 3_600_000
const RETENTION_S = 72 * 3_600
const TIMEOUT_MS = 15_000
/** Smaller bodies are not worth packing. */
const GZIP_FROM_BYTES = 4_096
/** Lines are refused for what they say: found by halving, the others stay. */
const REFUSED = [400, 413, 422]

export function createInfluxSeries({ url, token, org, bucket }: InfluxOptions): SeriesStore {
  const influx = new InfluxDB({ url, token, timeout: TIMEOUT_MS })
  const { transport } = influx
  const where = new URLSearchParams({ org, bucket, precision: 'ms' }).toString()

  async function send(lines: readonly string[]): Promise<void> {
    await transport.request(`/api/v2/write?${where}`, lines.join('\n'), {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      gzipThreshold: GZIP_FROM_BYTES,
    })
  }
  /** @returns what was refused, by its place */
  async function store(lines: readonly string[], first: number): Promise<{ index: number; reason: string }[]> {
    try {
      await send(lines)
      return []
    } catch (error) {
      if (!(error instanceof HttpError) || !REFUSED.includes(error.statusCode)) throw asSeriesError(error)
      if (lines.length === 1) return [{ index: first, reason: reasonOf(error) }]
      const middle = lines.length >> 1
      return [...(await store(lines.slice(0, middle), first)), ...(await store(lines.slice(middle), first + middle))]
    }
  }

  return {
    reachMs: REACH_MS,
    async start() {
      try {
        await ensureBucket(influx, org, bucket)
      } catch (error) {
        throw asSeriesError(error)
      }
    },
    async stop() {
      // Nothing is kept between requests.
    },
    async write(readings) {
      const places: number[] = []
      const lines: string[] = []
      for (const [index, reading] of readings.entries()) {
        const line = lineOf(reading)
        if (line === undefined) continue
        places.push(index)
        lines.push(line)
      }
      if (lines.length === 0) return []
      const refused = await store(lines, 0)
      return refused.map(({ index, reason }) => ({ index: places[index]!, reason }))
    },
    async curve(request) {
      try {
        return await ask(influx, org, bucket, request)
      } catch (error) {
        throw error instanceof TypeError ? error : asSeriesError(error)
      }
    },
  }
}

/**
 * The line protocol of one reading (https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/). All values are floats: a
 * field has one type for ever, and a whole number today is a fraction tomorrow. Written here and not by the client's `Point`, which
 * takes longer than the server does; ids and metrics of ours have nothing that needs escaping, and what is none of ours is left out.
 */
function lineOf({ tenantId, deviceId, ts, metrics }: CurveReading): string | undefined {
  if (!idPattern.test(tenantId) || !idPattern.test(deviceId) || !Number.isSafeInteger(ts)) return undefined
  let fields = ''
  for (const name in metrics) {
    const value = metrics[name as Metric]
    if (value === undefined || !Number.isFinite(value) || !isMetric(name)) continue
    fields += fields === '' ? `${name}=${value}` : `,${name}=${value}`
  }
  return fields === '' ? undefined : `${MEASUREMENT},device=${deviceId},tenant=${tenantId} ${fields} ${ts}`
}

interface Row {
  result: string
  _start: string
  _time?: string
  _value: number
}
async function ask(influx: InfluxDB, org: string, bucket: string, request: CurveRequest): Promise<CurvePoint[]> {
  const { tenantId, deviceId, metric, from, to, stepMs } = request
  if (!isMetric(metric)) return []
  // The template quotes them as well; what is no id of ours is not asked for at all.
  for (const id of [tenantId, deviceId]) if (!idPattern.test(id)) throw new TypeError('not an id')
  const step = Math.max(1, Math.floor(stepMs))
  const [every, offset] = [fluxDuration(`${step}ms`), fluxDuration(`${from % step}ms`)]
  const query = flux`
values = from(bucket: ${bucket})
  |> range(start: ${new Date(from)}, stop: ${new Date(to)})
  |> filter(fn: (r) => r._measurement == ${MEASUREMENT} and r.tenant == ${tenantId} and r.device == ${deviceId} and r._field == ${metric})
  |> window(every: ${every}, offset: ${offset})
values |> first() |> yield(name: "first")
values |> mean() |> yield(name: "avg")
values |> min() |> yield(name: "min")
values |> max() |> yield(name: "max")`
  const rows = await influx.getQueryApi(org).collectRows<Row>(query)
  const points = new Map<string, Partial<CurvePoint>>()
  for (const { result, _start, _time, _value } of rows) {
    let point = points.get(_start)
    if (!point) points.set(_start, (point = {}))
    if (result === 'first') point.ts = Date.parse(_time!)
    else point[result as 'avg' | 'min' | 'max'] = _value
  }
  return [...points.values()]
    .filter((point): point is CurvePoint => point.ts !== undefined && point.avg !== undefined)
    .sort((a, b) => a.ts - b.ts)
}

/** Makes the bucket where it is missing. @throws HttpError; SeriesError where the organisation is, or the bucket forgets too soon */
export async function ensureBucket(influx: InfluxDB, org: string, bucket: string): Promise<void> {
  const { transport } = influx
  const get = (path: string, query: Record<string, string>) =>
    transport.request(`${path}?${new URLSearchParams(query).toString()}`, '', { method: 'GET' })
  const { orgs } = (await get('/api/v2/orgs', { org })) as { orgs?: { id: string }[] }
  const orgID = orgs?.[0]?.id
  if (orgID === undefined)
    throw new SeriesError(
      `there is no organisation "${org}", or the token may not see it; set the organisation in the path`,
    )
  try {
    const { buckets } = (await get('/api/v2/buckets', { orgID, name: bucket })) as {
      buckets?: { retentionRules?: { everySeconds: number }[] }[]
    }
    const found = buckets?.[0]
    if (found) {
      // 0 is for ever.
      const keptS = found.retentionRules?.[0]?.everySeconds || Infinity
      if (keptS * 1_000 >= REACH_MS) return
      throw new SeriesError(
        `the bucket "${bucket}" keeps ${keptS / 3_600} hours, and curves reach back ${REACH_MS / 3_600_000}; let it keep longer: influx bucket update --retention ${RETENTION_S / 3_600}h`,
      )
    }
  } catch (error) {
    if (!(error instanceof HttpError) || error.statusCode !== 404) throw error
  }
  const retentionRules = [{ type: 'expire', everySeconds: RETENTION_S }]
  try {
    await transport.request('/api/v2/buckets', JSON.stringify({ orgID, name: bucket, retentionRules }), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
  } catch (error) {
    // Good enough for the questions above: it is known, and lacks the right.
    if (!(error instanceof HttpError) || ![401, 403].includes(error.statusCode)) throw error
    throw new SeriesError(
      `there is no bucket "${bucket}" that this token may see, and it may not make one; make it: influx bucket create --name ${bucket} --retention ${RETENTION_S / 3_600}h`,
    )
  }
}

function reasonOf({ message, body }: HttpError): string {
  try {
    return (JSON.parse(body ?? '') as { message: string }).message
  } catch {
    return message
  }
}
function asSeriesError(error: unknown): SeriesError {
  if (error instanceof SeriesError) return error
  if (!(error instanceof HttpError))
    return new SeriesError(`InfluxDB: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  // Its own `retryAfter` takes seconds for milliseconds.
  const seconds = Number(error.headers?.['retry-after'])
  const asked = Number.isFinite(seconds) ? seconds * 1_000 : 0
  return new SeriesError(`InfluxDB answers ${error.statusCode}: ${reasonOf(error)}`, {
    cause: error,
    ...(asked > 0 && { retryAfterMs: asked }),
  })
}
