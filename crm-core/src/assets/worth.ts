/** What a site's energy is worth by the tariffs of its contracts. */
import type { Caller, Money } from '../../contracts/index.ts'
import type { CrmDeps } from '../deps.ts'
import { contractOn, worthOf } from '../desk/promises.ts'
import { elevated, narrowCaller } from '../rights/callers.ts'

export interface EnergyOfDay {
  /** The site's local day. */
  date: string
  wh: number
}
export interface Worth {
  /** One per currency; none where no contract of those days names a tariff. */
  worth: Money[]
  /** Energy of the days under such a contract, Wh: what `worth` speaks of. */
  pricedWh: number
}

export function createWorth({ db }: CrmDeps) {
  /**
   * Each day counts by the contract in force on it. A customer in the portal is told the amount too, and nothing else of the contract.
   * @throws ProblemError `not_found` for a site the caller does not see
   */
  async function ofSite(caller: Caller, siteId: string, days: readonly EnergyOfDay[]): Promise<Worth> {
    const site = await db.as(narrowCaller(caller, 'telemetry:read')).get('site', siteId)
    const contracts = await db
      .as(elevated(caller, 'worth'))
      .all('contract', { tenantId: site.tenantId, customerId: site.customerId, status: 'active' })
    const whByTariff = new Map<string, { tariffPerKwh: string; tariffCurrency: string; wh: number }>()
    for (const { date, wh } of days) {
      const contract = contractOn(contracts, site.id, date)
      if (!contract?.tariffPerKwh || !contract.tariffCurrency) continue
      const { tariffPerKwh, tariffCurrency } = contract
      const key = `${tariffPerKwh} ${tariffCurrency}`
      const known = whByTariff.get(key)
      // Summed before it is priced: rounded once, not once a day.
      if (known) known.wh += wh
      else whByTariff.set(key, { tariffPerKwh, tariffCurrency, wh })
    }
    const amounts = new Map<string, number>()
    let pricedWh = 0
    for (const { wh, ...tariff } of whByTariff.values()) {
      const money = worthOf(wh, tariff)
      if (!money) continue
      pricedWh += wh
      amounts.set(money.currency, (amounts.get(money.currency) ?? 0) + money.amount)
    }
    return { worth: [...amounts].map(([currency, amount]) => ({ amount, currency })), pricedWh }
  }
  return { ofSite }
}
