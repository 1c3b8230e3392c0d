/** What sites should give, beside the line: its own queue, its own pace. */
import { sql, type Registry } from '@heliograph/crm-core'
import type { DeviceId, DomainEvent, Warehouse } from '@heliograph/crm-core/contracts'
import { createExpected, createWeatherFeed, type Expected, type FleetState } from '@heliograph/stream'
import type { Settings } from '../settings.ts'
import { createHttpWeather } from '../weather/http-weather.ts'

export function createExpectedRole(deps: {
  settings: Settings
  warehouse: Warehouse
  registry: Registry
  onError(what: string): (error: unknown) => void
  pastIsComing(): boolean
}): Expected & { onEvent(event: DomainEvent): void } {
  const { settings, warehouse, registry, onError, pastIsComing } = deps
  const expected = createExpected({
    warehouse,
    registry,
    clock: Date.now,
    onError: onError('expected power'),
    pastIsComing,
    ...(settings.weatherUrl && {
      weather: createWeatherFeed({
        warehouse,
        service: createHttpWeather({ url: settings.weatherUrl }),
        onError: onError('the weather service does not answer; asked again later'),
      }),
    }),
  })
  /** What a site's figures rest on, to tell a change of them from one of its name. */
  const facts = new Map<string, string>()
  return Object.assign(expected, {
    onEvent(event: DomainEvent) {
      if (event.type !== 'site.upserted') return
      const { id, latitude, longitude, peakPowerW, acCapacityW, arrays, timezone } = event.site
      const known = JSON.stringify([latitude, longitude, peakPowerW, acCapacityW, arrays, timezone])
      const before = facts.get(id)
      facts.set(id, known)
      if (before !== known) expected.siteChanged(id)
    },
  })
}

/** Days that a string's past is looked up in after a start. */
const STRINGS_DAYS = 3
/** Which DC inputs have produced lately: an input that was never used is not a dead one. */
export async function rememberStrings(warehouse: Warehouse, fleet: FleetState, now: number): Promise<void> {
  const rows = await warehouse.query<{ device: DeviceId; most: number[] }>(
    sql`SELECT device_id AS device, maxForEach(arrayMap(a -> ifNull(a, 0), dc_currents_a)) AS most FROM readings AS r
      WHERE r.ts >= toDateTime(${Math.floor(now / 1000) - STRINGS_DAYS * 86_400}, 'UTC') AND length(dc_currents_a) > 1 GROUP BY tenant_id, device`,
    { scope: 'system', lane: 'heavy', maxRows: 1_000_000, timeoutMs: 120_000 },
  )
  for (const { device, most } of rows)
    fleet.rememberStrings(
      device,
      most.map((amperes) => amperes >= 0.8),
    )
}
