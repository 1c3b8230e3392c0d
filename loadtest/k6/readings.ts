/**
 * Readings over HTTP: `k6 run -e HELIO_API_KEY=helio_… loadtest/k6/readings.ts` (scope `ingest`). No reading is sent twice, so that what
 * was acknowledged (`readings_acknowledged`) can be found in the store, one row each.
 */
import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { arrivals, setting, url } from './profile.ts'

const BATCH = 10
const DEVICES = 20
/** Between two readings of a device; they end about now. */
const STEP_MS = 100

const acknowledged = new Counter('readings_acknowledged')

export const options: Options = {
  scenarios: { readings: arrivals() },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    http_req_duration: ['p(99)<2000'],
    dropped_iterations: ['count==0'],
    readings_acknowledged: ['count>0'],
  },
}

export function setup(): { start: number } {
  return { start: Date.now() - 3_600_000 }
}

export default function send({ start }: { start: number }): void {
  const iteration = exec.scenario.iterationInTest
  const readings = Array.from({ length: BATCH }, (_, index) => ({
    device: `k6-${iteration % DEVICES}`,
    ts: start + (Math.floor(iteration / DEVICES) * BATCH + index) * STEP_MS,
    metrics: { ac_power_w: 1_000 + index },
  }))
  const response = http.post(`${url}/ingest/v1/readings`, JSON.stringify(readings), {
    headers: { 'content-type': 'application/json', authorization: `Bearer ${setting('HELIO_API_KEY')}` },
  })
  const taken = check(response, {
    'is acknowledged': ({ status }) => status === 202,
    'all of it': ({ body }) => (JSON.parse(String(body)) as { accepted?: number }).accepted === BATCH,
  })
  if (taken) acknowledged.add(BATCH)
}
