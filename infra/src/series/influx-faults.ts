/** Tries InfluxDB before anything is started, and says in one line what whoever set its address has to mend. */
import { HttpError, InfluxDB } from '@influxdata/influxdb-client'
import { SeriesError } from '@heliograph/crm-core/contracts'
import { EngineFaultError, whyUnreachable } from '../engine-fault.ts'
import { ensureBucket } from './influx.ts'
import { influxOptions } from './influx-options.ts'

const SETTING = 'HELIO_SERIES_URL'
const TIMEOUT_MS = 8_000

/** @throws EngineFaultError */
export async function tryInflux(address: URL): Promise<void> {
  let options: ReturnType<typeof influxOptions>
  try {
    options = influxOptions(address)
  } catch (error) {
    throw new EngineFaultError(SETTING, (error as Error).message)
  }
  const { url, token, org, bucket } = options
  const where = new URL(url).host
  try {
    await ensureBucket(new InfluxDB({ url, token, timeout: TIMEOUT_MS }), org, bucket)
  } catch (error) {
    throw new EngineFaultError(SETTING, explain(error, where, org, bucket), { cause: error })
  }
}
function explain(error: unknown, where: string, org: string, bucket: string): string {
  if (error instanceof SeriesError) return `InfluxDB at ${where}: ${error.message}`
  if (error instanceof HttpError) {
    if (error.statusCode === 401) return `InfluxDB at ${where} refuses the token`
    if (error.statusCode === 403) return `InfluxDB at ${where} forbids this token the bucket "${bucket}" of "${org}"`
    if (error.statusCode === 404) return `InfluxDB at ${where} knows no organisation "${org}", or is no InfluxDB 2`
    return `InfluxDB at ${where} answers ${error.statusCode}`
  }
  return whyUnreachable(error, where) ?? `InfluxDB at ${where} does not answer: ${(error as Error).message}`
}
