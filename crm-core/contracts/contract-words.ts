/** The words of contracts. Without their schemas, so that a page that shows them loads no schema library. */
export const CONTRACT_KINDS = ['maintenance', 'monitoring', 'full-service', 'power-purchase', 'lease'] as const
export type ContractKind = (typeof CONTRACT_KINDS)[number]
/** `active` holds between its dates; a draft promises nothing yet, an ended one nothing any more. */
export const CONTRACT_STATUSES = ['draft', 'active', 'ended'] as const
export type ContractStatus = (typeof CONTRACT_STATUSES)[number]
/** When hours of a promise count: around the clock, or Monday to Friday from 8 to 18 on the site's clock. */
export const SERVICE_HOURS = ['always', 'weekdays'] as const
export type ServiceHours = (typeof SERVICE_HOURS)[number]
/** `energy`: kWh in a contract year. `performance-ratio`: 0 to 1, in the mean of a contract year. */
export const GUARANTEE_KINDS = ['energy', 'performance-ratio'] as const
export type GuaranteeKind = (typeof GUARANTEE_KINDS)[number]
