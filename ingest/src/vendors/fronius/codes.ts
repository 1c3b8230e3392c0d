import type { DeviceStatus, Fault } from '@heliograph/crm-core/contracts'

/** `DeviceStatus.StatusCode` of the Solar API: 0 to 6 are the steps of starting; 255 and others say nothing. */
export function statusOfCode(code: number | undefined): DeviceStatus | undefined {
  if (code === undefined) return undefined
  if (code >= 0 && code <= 6) return 'starting'
  return STATUS_CODES.get(code)
}
const STATUS_CODES = new Map<number, DeviceStatus>([
  [7, 'producing'],
  [8, 'standby'],
  [9, 'starting'], // boot loading
  [10, 'fault'],
  [11, 'standby'], // idle
  [12, 'standby'], // ready
  [13, 'sleeping'],
])

/** `DeviceStatus.InverterState` of GEN24, for firmware whose `StatusCode` says nothing. */
export function statusOfText(text: string | undefined): DeviceStatus | undefined {
  return text === undefined ? undefined : STATUS_TEXTS.get(text.toLowerCase())
}
const STATUS_TEXTS = new Map<string, DeviceStatus>(
  Object.entries({
    running: 'producing',
    throttled: 'throttled',
    startup: 'starting',
    starting: 'starting',
    'boot loading': 'starting',
    bootloading: 'starting',
    standby: 'standby',
    idle: 'standby',
    ready: 'standby',
    sleeping: 'sleeping',
    off: 'off',
    error: 'fault',
    fault: 'fault',
  }),
)

type Severity = NonNullable<Fault['severity']>
const code = (text: string, severity: Severity) => ({ text, severity })

/**
 * State codes of the SnapINverter and hybrid families as their operating instructions explain them, in our words. Class 1 codes
 * come from the grid and clear by themselves; 306, 307 and 522, 523 are every evening's and morning's lack of light.
 */
const ERRORS: Readonly<Record<number, { text: string; severity: Severity }>> = {
  102: code('AC voltage too high', 'minor'),
  103: code('AC voltage too low', 'minor'),
  105: code('AC frequency too high', 'minor'),
  106: code('AC frequency too low', 'minor'),
  107: code('No AC grid', 'major'),
  108: code('Islanding detected', 'minor'),
  112: code('Residual current detected', 'major'),
  240: code('Arc detected', 'critical'),
  241: code('Arc acknowledged', 'major'),
  245: code('Arc detector: test failed', 'major'),
  247: code('Arc detected, feed-in stopped', 'critical'),
  301: code('AC overcurrent', 'major'),
  302: code('DC overcurrent', 'major'),
  303: code('DC module too hot', 'major'),
  304: code('AC module too hot', 'major'),
  305: code('No feed-in although relays are closed', 'major'),
  306: code('Too little PV power', 'info'),
  307: code('DC voltage too low', 'info'),
  308: code('Intermediate circuit voltage too high', 'major'),
  309: code('DC voltage of tracker 1 too high', 'major'),
  311: code('DC strings connected the wrong way round', 'critical'),
  313: code('DC voltage of tracker 2 too high', 'major'),
  401: code('No communication with the power stage', 'major'),
  406: code('DC temperature sensor faulty', 'major'),
  407: code('AC temperature sensor faulty', 'major'),
  408: code('DC in the grid current', 'major'),
  412: code('Fixed voltage set instead of tracking', 'minor'),
  415: code('Safety cut-out triggered', 'major'),
  416: code('No communication between power stage and control', 'major'),
  425: code('Data exchange with the power stage failed', 'major'),
  426: code('Intermediate circuit takes too long to charge', 'major'),
  427: code('Power stage not ready', 'major'),
  431: code('Software is being updated', 'info'),
  436: code('Faulty error record', 'minor'),
  437: code('Power stage error', 'major'),
  438: code('Faulty error record', 'minor'),
  443: code('Intermediate circuit voltage out of balance', 'major'),
  445: code('Compatibility error of exchanged parts', 'major'),
  447: code('Insulation fault', 'critical'),
  448: code('Neutral conductor not connected', 'major'),
  450: code('Guard error', 'major'),
  451: code('Memory error', 'major'),
  452: code('Communication error inside the inverter', 'major'),
  453: code('Grid voltage measured differently by both controllers', 'minor'),
  456: code('Anti-islanding test failed', 'major'),
  457: code('Grid relay sticking', 'critical'),
  459: code('Insulation measurement failed', 'major'),
  463: code('AC wired the wrong way round', 'critical'),
  474: code('Residual current sensor faulty', 'major'),
  475: code('Insulation fault between PV and ground', 'critical'),
  476: code('Driver supply voltage too low', 'major'),
  479: code('Intermediate circuit relay off', 'major'),
  482: code('Setup after the first start was cancelled', 'major'),
  502: code('Insulation error on the PV modules', 'major'),
  509: code('No feed-in during the last 24 hours', 'major'),
  515: code('No communication with a filter', 'minor'),
  516: code('No communication with the storage', 'major'),
  517: code('Power reduced because of temperature', 'minor'),
  519: code('Memory error of the storage', 'minor'),
  520: code('No feed-in of tracker 1 during the last 24 hours', 'major'),
  521: code('No feed-in of tracker 2 during the last 24 hours', 'major'),
  522: code('DC voltage of tracker 1 too low', 'info'),
  523: code('DC voltage of tracker 2 too low', 'info'),
  558: code('Function switched off because of incompatible parts', 'minor'),
  560: code('Power reduced because of grid frequency', 'minor'),
  564: code('Function switched off because of incompatible parts', 'minor'),
  566: code('Arc detector switched off', 'info'),
  567: code('Power reduced because of grid voltage', 'minor'),
  705: code('Conflict of the inverter numbers', 'minor'),
  721: code('Memory was initialised anew', 'info'),
  731: code('USB stick is not supported', 'info'),
  757: code('Hardware error of the card in the Datamanager slot', 'minor'),
  766: code('Emergency power limit active', 'minor'),
}

/** Words and severity of an inverter's error code; undefined where the table does not know it. */
export const errorOf = (number: number): { text: string; severity: Severity } | undefined =>
  Object.hasOwn(ERRORS, number) ? ERRORS[number] : undefined
