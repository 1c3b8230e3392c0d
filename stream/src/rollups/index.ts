export type { ObservedReading } from './live-devices.ts'
export { createRollups, type FlushResult, type RollupOptions, type RollupRegistry, type Rollups } from './rollups.ts'
export { tombstoneReplayed } from './tombstones.ts'
export { verifyRollups, type Difference, type VerifyOptions, type VerifyResult } from './verify.ts'
