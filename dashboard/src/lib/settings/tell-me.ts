/** What a person is told of, in words. */
import type { NotifyChannel, Severity, Subscription } from '@heliograph/crm-core/contracts'
import { SEVERITIES } from '#lib/components/marks.ts'

const FROM: Readonly<Record<Severity, string>> = {
  critical: 'Critical alarms',
  major: 'Major and critical alarms',
  minor: 'Minor alarms and all above',
  info: 'All alarms and notices',
}
/** From the most severe on. */
export const FLOORS = SEVERITIES.map((severity) => ({ severity, label: FROM[severity] }))

const WAYS: Readonly<Record<NotifyChannel, string>> = { mail: 'email', sms: 'SMS' }
/** How people are reached, the quiet way first. */
export const CHANNELS = Object.keys(WAYS) as NotifyChannel[]
export const waysOf = (channels: readonly NotifyChannel[]): string =>
  channels.map((channel) => WAYS[channel]).join(' and ')

type Names = Readonly<Record<'site' | 'customer' | 'unit', (id: string) => string>>
type Reach = Pick<Subscription, 'siteId' | 'customerId' | 'orgUnitId' | 'minSeverity'>

/** `Critical alarms of Sunny Farm`. A name that is not known (any more) is said to be so, never left out. */
export function subscriptionWords(of: Reach, names: Names): string {
  const parts = [
    of.siteId === null ? undefined : names.site(of.siteId) || 'a site that is not known',
    of.customerId === null ? undefined : names.customer(of.customerId) || 'a customer who is not known',
    of.orgUnitId === null ? undefined : names.unit(of.orgUnitId) || 'a unit that is not known',
  ].filter((part) => part !== undefined)
  return `${FROM[of.minSeverity]} of ${parts.length === 0 ? 'everything you see' : parts.join(', ')}`
}
