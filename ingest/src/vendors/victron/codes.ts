import type { DeviceStatus } from '@heliograph/crm-core/contracts'

/**
 * States and errors of Venus OS. From the vendor's D-Bus documentation and the topic catalogue of tomer-w/victron_mqtt.
 * @see https://github.com/victronenergy/venus/wiki/dbus
 */
export const STATE_TEXTS: Readonly<Record<number, string>> = {
  0: 'Off',
  1: 'Low power',
  2: 'Fault',
  3: 'Bulk',
  4: 'Absorption',
  5: 'Float',
  6: 'Storage',
  7: 'Equalize',
  8: 'Passthrough',
  9: 'Inverting',
  10: 'Power assist',
  11: 'Power supply',
  244: 'Sustain',
  245: 'Starting up',
  246: 'Repeated absorption',
  247: 'Auto equalize / recondition',
  248: 'Battery safe',
  252: 'External control',
  256: 'Discharging',
  257: 'Sustain',
  258: 'Recharging',
  259: 'Scheduled recharging',
}

/** State of a solar charger: it produces in every charging stage. */
export function chargerStatus(
  state: number,
  mppMode: number | undefined,
  offReason: number | undefined,
): DeviceStatus | undefined {
  if (state === 2) return 'fault'
  if (state === 245) return 'starting'
  // Bits 1 and 1024 of the reason: no or low input (panel) power, the ordinary night.
  if (state === 0) return offReason !== undefined && (offReason & 1025) !== 0 ? 'sleeping' : 'off'
  if (state === 1) return 'standby'
  if (!Object.hasOwn(STATE_TEXTS, state)) return undefined
  // The tracker tells more than the charging stage: 0 off, 1 held back by voltage or current limit, 2 tracking.
  if (mppMode === 1) return 'throttled'
  return mppMode === 0 ? 'standby' : 'producing'
}

/** State of an inverter/charger: inverting and assisting put out power, charging and passing through do not. */
export function inverterStatus(state: number): DeviceStatus | undefined {
  if (state === 0) return 'off'
  if (state === 2) return 'fault'
  if (state === 245) return 'starting'
  if (state === 9 || state === 10 || state === 252 || state === 256) return 'producing'
  return Object.hasOwn(STATE_TEXTS, state) ? 'standby' : undefined
}

/** StatusCode of a PV inverter on the AC side (the same numbers as Fronius). */
export function pvInverterStatus(code: number): DeviceStatus | undefined {
  if (code >= 0 && code <= 6) return 'starting'
  return ({ 7: 'producing', 8: 'standby', 9: 'starting', 10: 'fault', 11: 'producing', 12: 'throttled' } as const)[code]
}
/** StatusCode of a generator: 1 to 7 are the steps of starting, 9 is stopping. */
export function gensetStatus(code: number): DeviceStatus | undefined {
  if (code >= 1 && code <= 7) return 'starting'
  return ({ 0: 'standby', 8: 'producing', 9: 'standby', 10: 'fault' } as const)[code]
}
export const PV_INVERTER_TEXTS: Readonly<Record<number, string>> = {
  7: 'Running',
  8: 'Standby',
  9: 'Boot loading',
  10: 'Error',
  11: 'Running (MPPT)',
  12: 'Running (throttled)',
}

/** ErrorCode of solar chargers and chargers. */
export const CHARGER_ERRORS: Readonly<Record<number, string>> = {
  1: 'Battery temperature too high',
  2: 'Battery voltage too high',
  3: 'Battery temperature sensor miswired',
  4: 'Battery temperature sensor miswired',
  5: 'Battery temperature sensor disconnected',
  6: 'Battery voltage sense miswired',
  7: 'Battery voltage sense miswired',
  8: 'Battery voltage sense disconnected',
  11: 'Battery high ripple voltage',
  14: 'Battery low temperature',
  17: 'Charger temperature too high',
  18: 'Charger over current',
  19: 'Charger current reversed',
  20: 'Bulk time limit exceeded',
  21: 'Current sensor issue',
  22: 'Internal temperature sensor failure',
  23: 'Internal temperature sensor failure',
  24: 'Fan failure',
  26: 'Terminals overheated',
  27: 'Charger short circuit',
  28: 'Converter issue',
  29: 'Over-charge protection',
  33: 'Input voltage too high (solar panel)',
  34: 'Input current too high (solar panel)',
  35: 'Input power too high',
  38: 'Input shutdown (battery voltage too high)',
  39: 'Input shutdown (reverse current)',
  40: 'Input shutdown',
  65: 'Lost communication with device',
  66: 'Synchronized charging configuration issue',
  67: 'BMS connection lost',
  68: 'Network misconfigured',
  116: 'Factory calibration data lost',
  117: 'Invalid or incompatible firmware',
  119: 'User settings invalid',
}

/** VebusError of inverter/chargers. */
export const VEBUS_ERRORS: Readonly<Record<number, string>> = {
  1: 'Switched off because another phase switched off',
  2: 'New and old types MK2 are mixed',
  3: 'Not all, or more than, the expected devices were found',
  4: 'No other device whatsoever detected',
  5: 'Overvoltage on AC-out',
  6: 'Error in DDC program',
  7: 'VE.Bus BMS connected without its assistant',
  8: 'Ground relay test failed',
  10: 'System time synchronisation problem',
  14: 'Device cannot transmit data',
  16: 'Dongle missing',
  17: 'Master failed, another device took over',
  18: 'AC overvoltage on the output of a slave',
  22: 'Device cannot function as slave',
  24: 'Switch-over system protection initiated',
  25: 'Firmware incompatibility',
  26: 'Internal error',
}
