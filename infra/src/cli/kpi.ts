/** `heliograph kpi`: a site's energy, yield and performance. */
import { type Client, findSite } from './client.ts'
import { print, printJson } from './output.ts'

export interface KpiOptions {
  site: string
  from: string
  to: string
  json?: boolean
}
/** As the API answers, and as `--json` prints it. */
export interface KpiAnswer {
  siteId: string
  from: string
  to: string
  timezone: string
  rows: number
  method: 'counter' | 'power'
  energyWh: number
  peakAcPowerW: number | null
  specificYieldKwhPerKwp: number | null
  insolationWhM2?: number
  performanceRatio?: number
  coverage: number
  days: { date: string; energyWh: number; coverage: number }[]
}

/** @throws CliError where the site is not there or the times are none */
export async function kpiCommand(client: Client, options: KpiOptions): Promise<void> {
  const site = await findSite(client, options.site)
  const query = new URLSearchParams({ siteId: site.id, from: options.from, to: options.to })
  const answer = await client.call<KpiAnswer>('GET', `/api/v1/kpi?${query}`, undefined, { tenantId: site.tenantId })
  if (options.json) printJson(answer)
  else for (const line of kpiTable(site.name, answer)) print(line)
}

/** For people: one figure a line, then the days. */
export function kpiTable(name: string, kpi: KpiAnswer): string[] {
  const figure = (label: string, value: string): string => `${label.padEnd(20)} ${value}`
  const amount = (value: number, digits: number): string => value.toFixed(digits)
  return [
    `${name}  ${kpi.from} to ${kpi.to}  (${kpi.timezone})`,
    figure('energy', `${amount(kpi.energyWh / 1_000, 3)} kWh, from ${kpi.method === 'counter' ? 'counters' : 'power'}`),
    ...(kpi.peakAcPowerW === null ? [] : [figure('peak AC power', `${amount(kpi.peakAcPowerW / 1_000, 3)} kW`)]),
    ...(kpi.specificYieldKwhPerKwp === null
      ? []
      : [figure('specific yield', `${amount(kpi.specificYieldKwhPerKwp, 3)} kWh/kWp`)]),
    ...(kpi.insolationWhM2 === undefined
      ? []
      : [figure('insolation', `${amount(kpi.insolationWhM2 / 1_000, 3)} kWh/m²`)]),
    ...(kpi.performanceRatio === undefined ? [] : [figure('performance ratio', amount(kpi.performanceRatio, 4))]),
    figure('readings', `${kpi.rows}, ${amount(kpi.coverage * 100, 1)} % of those expected`),
    ...kpi.days.map(
      ({ date, energyWh, coverage }) =>
        `  ${date}  ${amount(energyWh / 1_000, 3).padStart(12)} kWh  ${amount(coverage * 100, 1).padStart(5)} %`,
    ),
  ]
}
