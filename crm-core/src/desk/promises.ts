/** What a contract promises for a ticket, and what a loss is worth under it. */
import type { Money, ReadDb, Row } from '../../contracts/index.ts'
import { localDate } from '../telemetry/local-time.ts'
import { afterService, serviceBetween } from './service-hours.ts'

type About = { tenantId: string; customerId?: string | null; siteId?: string | null }
const HOUR_MS = 3_600_000
const ANYWHERE = 'UTC'

/**
 * The contract in force for a site, or for a customer where no site is named: active, within its dates on the site's calendar. One
 * that names the site goes before one for all of them, the younger before the older.
 * @param db rights to see the customer's contracts
 */
export async function contractInForce(
  db: ReadDb,
  about: About,
  at: number,
): Promise<{ contract: Row<'contract'>; timezone: string } | undefined> {
  const site = about.siteId ? await db.first('site', { id: about.siteId }) : undefined
  const customerId = site?.customerId ?? about.customerId
  if (!customerId) return undefined
  const timezone = site?.timezone ?? ANYWHERE
  const rows = await db.all('contract', { tenantId: about.tenantId, customerId, status: 'active' })
  const contract = contractOn(rows, site?.id, localDate(timezone, at))
  return contract && { contract, timezone }
}
/** Of a customer's active contracts the one in force for a site, or for no site in particular, on a day of its calendar. */
export function contractOn(
  rows: readonly Row<'contract'>[],
  siteId: string | undefined,
  date: string,
): Row<'contract'> | undefined {
  return rows
    .filter(({ validFrom, validTo }) => validFrom <= date && (validTo === null || validTo >= date))
    .filter(({ siteIds }) => siteIds === null || (siteId !== undefined && siteIds.includes(siteId)))
    .sort(
      (a, b) =>
        Number(a.siteIds === null) - Number(b.siteIds === null) ||
        (a.validFrom < b.validFrom ? 1 : a.validFrom > b.validFrom ? -1 : 0) ||
        (a.id < b.id ? 1 : -1),
    )[0]
}

/** Until when a ticket that opens now wants an answer and a solution; nothing without a contract. */
export async function promisesFor(
  db: ReadDb,
  about: About,
  at: number,
): Promise<Partial<Pick<Row<'ticket'>, 'contractId' | 'firstResponseDueAt' | 'solutionDueAt'>>> {
  const found = await contractInForce(db, about, at)
  if (found === undefined) return {}
  const { contract, timezone } = found
  const due = (hours: number | null): Date | null =>
    hours === null || contract.slaHours === null
      ? null
      : new Date(afterService(at, hours * HOUR_MS, contract.slaHours, timezone))
  return {
    contractId: contract.id,
    firstResponseDueAt: due(contract.slaFirstResponseH),
    solutionDueAt: due(contract.slaSolutionH),
  }
}

/** A promise whose clock stood still from one instant to another: as much of it is left as was then. */
export function resumed(
  due: Date | null,
  {
    pausedSince,
    now,
    contract,
    timezone,
  }: { pausedSince: Date; now: number; contract?: Row<'contract'>; timezone?: string },
): Date | null {
  if (due === null || due <= pausedSince) return due
  const hours = contract?.slaHours ?? 'always'
  const left = serviceBetween(pausedSince.getTime(), due.getTime(), hours, timezone ?? ANYWHERE)
  return new Date(afterService(now, left, hours, timezone ?? ANYWHERE))
}

const PRICE_DIGITS = 8
/** What a loss is worth under a contract's tariff, in minor units, rounded once; undefined where there is no tariff. */
export function worthOf(
  lossWh: number,
  { tariffPerKwh, tariffCurrency }: Pick<Row<'contract'>, 'tariffPerKwh' | 'tariffCurrency'>,
): Money | undefined {
  if (tariffPerKwh === null || tariffCurrency === null) return undefined
  const [whole = '0', part = ''] = tariffPerKwh.split('.')
  const price = BigInt(whole + part.padEnd(PRICE_DIGITS, '0').slice(0, PRICE_DIGITS))
  const scale = 1_000n * 10n ** BigInt(PRICE_DIGITS)
  const minor = BigInt(Math.round(lossWh)) * price * 10n ** BigInt(minorDigits(tariffCurrency))
  const amount = Number((2n * minor + scale) / (2n * scale))
  return Number.isSafeInteger(amount) ? { amount, currency: tariffCurrency } : undefined
}
/** Digits behind the point of a currency: none of the yen, two of the euro, three of the dinar. */
const minorDigits = (currency: string): number =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
