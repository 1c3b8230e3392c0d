import type { DeviceStatus } from '@heliograph/crm-core/contracts'
import type { ReadingBuilder } from '../../vocabulary/index.ts'

/** Tag numbers both interfaces use for states, as the inverter's own text file explains them. */
export const TAGS = { ok: 307, warning: 455, fault: 35, off: 303, none: 302, notAvailable: 16777213 } as const
const TEXTS: Readonly<Record<number, string>> = {
  35: 'Fault',
  295: 'MPP',
  303: 'Off',
  307: 'Ok',
  381: 'Stop',
  443: 'Constant voltage',
  455: 'Warning',
  569: 'Activated',
  1295: 'Standby',
  1392: 'Fault',
  1393: 'Waiting for PV voltage',
  1394: 'Waiting for valid AC grid',
  1395: 'DC range',
  1396: 'AC grid',
  1467: 'Start',
  1469: 'Shut down',
  1480: 'Waiting for utilities company',
  1787: 'Initialization',
  1855: 'Stand-alone operation',
  2119: 'Derating',
}
const RUN: Readonly<Record<number, DeviceStatus>> = {
  295: 'producing',
  303: 'off',
  381: 'standby',
  443: 'producing',
  1295: 'standby',
  1392: 'fault',
  1393: 'standby',
  1394: 'standby',
  1395: 'standby',
  1396: 'standby',
  1467: 'starting',
  1469: 'off',
  1480: 'standby',
  1787: 'starting',
  1855: 'producing',
  2119: 'throttled',
}
const known = <T>(table: Readonly<Record<number, T>>, tag: number | undefined): T | undefined =>
  tag !== undefined && Object.hasOwn(table, tag) ? table[tag] : undefined

/**
 * Status and fault from the condition (`Ok`, `Warning`, `Fault`, `Off`), the run state and the power. "Ok" is health, not
 * production: without a run state it is the power that tells the two apart.
 * @param event number of the last event. It stays after the fault is gone, so it counts with a warning or fault only
 */
export function putCondition(
  built: ReadingBuilder,
  {
    condition,
    run,
    power,
    event,
  }: { condition: number | undefined; run: number | undefined; power: number | undefined; event?: number | undefined },
): void {
  const running = known(RUN, run)
  built
    .extra('status_code', condition)
    .extra('status_text', known(TEXTS, condition))
    .extra('run_state', known(TEXTS, run))
  if (condition === TAGS.fault || condition === TAGS.warning) {
    const severe = condition === TAGS.fault
    const code =
      event !== undefined && event > 0 && event !== TAGS.none && event !== TAGS.notAvailable ? event : condition
    built.fault(code, code === condition ? known(TEXTS, condition) : undefined, severe ? 'major' : 'minor')
    built.status(severe ? 'fault' : (running ?? byPower(power)))
    return
  }
  if (condition === TAGS.ok) built.noFault()
  if (condition === TAGS.off) built.status('off')
  else if (running !== undefined) built.status(running)
  else if (condition === TAGS.ok) built.status(byPower(power))
}
const byPower = (power: number | undefined): DeviceStatus =>
  power !== undefined && power > 0 ? 'producing' : 'standby'
