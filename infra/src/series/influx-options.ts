/** The address of an InfluxDB 2 bucket as one URL: `influx://:TOKEN@host:8086/ORGANISATION/BUCKET[?tls=on]`. */
import { z } from 'zod'

export interface InfluxOptions {
  url: string
  token: string
  org: string
  bucket: string
}
const STANDARD_PORT = '8086'
const query = z.strictObject({ tls: z.enum(['on', 'off']).default('off') })

/** @throws Error with one line that repeats nothing secret */
export function influxOptions(url: URL): InfluxOptions {
  const parsed = query.safeParse(Object.fromEntries(url.searchParams))
  if (!parsed.success) throw new Error('its query may say tls=on or tls=off and nothing else')
  const [org, bucket, ...rest] = url.pathname.split('/').filter(Boolean).map(decodeURIComponent)
  if (url.hostname === '' || org === undefined || bucket === undefined || rest.length > 0)
    throw new Error('write influx://:TOKEN@host:8086/ORGANISATION/BUCKET')
  const token = decodeURIComponent(url.password || url.username)
  if (token === '') throw new Error('names no token; write influx://:TOKEN@host:8086/ORGANISATION/BUCKET')
  const scheme = parsed.data.tls === 'on' ? 'https' : 'http'
  return { url: `${scheme}://${url.hostname}:${url.port || STANDARD_PORT}`, token, org, bucket }
}
