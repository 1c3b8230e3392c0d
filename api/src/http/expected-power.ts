import { seriesQuery, type GaugePoint, type Series, type SeriesRequest } from '@heliograph/crm-core'
import type { DataScope, Warehouse } from '@heliograph/crm-core/contracts'

export const EXPECTED_POWER = 'expected_power_w'
/** Irradiance at which a plant's rating holds, W/m² (IEC 61724-1, standard test conditions). */
const STANDARD_WM2 = 1000

/**
 * What a plant should give: its rating times the irradiance measured in its plane over the standard one (the reference
 * yield of IEC 61724-1, without losses). Where no irradiance is measured, or no rating known, the answer is "not measured",
 * never a guess from a clear sky.
 */
export async function expectedPower(
  warehouse: Warehouse,
  scope: DataScope,
  request: SeriesRequest,
  peakPowerW: number | undefined,
): Promise<Series> {
  const nothing: Series = { metric: EXPECTED_POWER, unit: 'W', source: 'not measured', points: [], coverage: 0 }
  if (peakPowerW === undefined || peakPowerW <= 0) return nothing
  const { series } = await seriesQuery(warehouse, scope, { ...request, metrics: ['irradiance_wm2'] })
  const [irradiance] = series
  if (irradiance === undefined || irradiance.points.length === 0) return nothing
  const power = (wm2: number) => (Math.max(0, wm2) / STANDARD_WM2) * peakPowerW
  return {
    metric: EXPECTED_POWER,
    unit: 'W',
    source: 'irradiance',
    points: (irradiance.points as GaugePoint[]).map((point) => ({
      ...point,
      avg: power(point.avg),
      min: power(point.min),
      max: power(point.max),
    })),
    coverage: irradiance.coverage,
  }
}
