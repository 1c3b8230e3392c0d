export { createApi } from './create-api.ts'
export {
  API_LIMITS,
  type ApiConfig,
  type ApiDeps,
  type ApiLimits,
  type DomainEvents,
  type ExportedTable,
  type Operations,
  type PartStatus,
  type StatusProvider,
  type VendorInfo,
  type VerifyReport,
} from './deps.ts'
export { twilio as verifyTwilio } from './ingest/signatures/twilio.ts'
export { localCaller } from './plugins/local-caller.ts'
export { type Policy, type RouteEntry } from './plugins/policy.ts'
