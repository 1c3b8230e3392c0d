import { native, nativeHttp } from './native.ts'
import { opendtu } from './opendtu.ts'
import { tasmota } from './tasmota.ts'
import type { SimulatedVendor } from './types.ts'
import { victron } from './victron.ts'

export type { OutgoingMessage, SimulatedVendor } from './types.ts'

export const simulatedVendors: ReadonlyMap<string, SimulatedVendor> = new Map(
  [native, nativeHttp, opendtu, tasmota, victron].map((vendor) => [vendor.id, vendor]),
)
