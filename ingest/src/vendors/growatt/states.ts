import type { DeviceStatus } from '@heliograph/crm-core/contracts'
import { finiteOf } from '../../vocabulary/index.ts'

const own = <T>(table: Readonly<Record<number, T>>, code: number): T | undefined =>
  Object.hasOwn(table, code) ? table[code] : undefined

/** Whether AC or PV power flows. */
export const delivers = (...powers: unknown[]): boolean => powers.some((power) => (finiteOf(power) ?? 0) > 0)

/** Operation status of the push and of hybrids; 5 to 8 tell which of PV and battery are on and whether there is a grid, so power decides. */
const OPERATION: Readonly<Record<number, DeviceStatus>> = {
  0: 'standby',
  1: 'starting',
  3: 'fault',
  4: 'standby',
  9: 'standby',
}
export const OPERATION_TEXTS: Readonly<Record<number, string>> = {
  0: 'Standby',
  1: 'Self-test',
  3: 'Fault',
  4: 'Upgrade',
  5: 'PV on, battery off, on grid',
  6: 'Battery on, on grid',
  7: 'PV and battery on, off grid',
  8: 'Battery on, PV off, off grid',
  9: 'Bypass',
}
export const operationStatus = (code: number, running: boolean): DeviceStatus | undefined =>
  code >= 5 && code <= 8 ? (running ? 'producing' : 'standby') : own(OPERATION, code)

/** Status register of inverters without a battery. */
const STATES: Readonly<Record<number, DeviceStatus>> = { 0: 'standby', 1: 'producing', 3: 'fault', 4: 'standby' }
export const STATE_TEXTS: Readonly<Record<number, string>> = { 0: 'Waiting', 1: 'Normal', 3: 'Fault', 4: 'Upgrade' }
export const stateStatus = (code: number): DeviceStatus | undefined => own(STATES, code)

/** Status of the off-grid family (SPF), which charges, discharges and passes the grid through in combinations. */
export const OFF_GRID_TEXTS: Readonly<Record<number, string>> = {
  0: 'Standby',
  2: 'Discharge',
  3: 'Fault',
  4: 'Upgrade',
  5: 'PV charge',
  6: 'AC charge',
  7: 'Combined charge',
  8: 'Combined charge and bypass',
  9: 'PV charge and bypass',
  10: 'AC charge and bypass',
  11: 'Bypass',
  12: 'PV charge and discharge',
}
export const offGridStatus = (code: number): DeviceStatus | undefined => {
  if (code === 3) return 'fault'
  if (code === 2 || code === 12 || (code >= 5 && code <= 9 && code !== 6)) return 'producing'
  return Object.hasOwn(OFF_GRID_TEXTS, code) ? 'standby' : undefined
}
