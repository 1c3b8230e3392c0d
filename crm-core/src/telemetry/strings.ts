/** Which DC inputs of an inverter are dead, told by the others of the same inverter. */
import type { Channel } from '@heliograph/crm-core/contracts'
import { median } from './expected.ts'

/** The others must give at least this for one to be missed: amperes; W where no currents are told. */
const ENOUGH_A = 0.8
const ENOUGH_W = 100
/** Below this share of the others an input gives nothing; a string in the shade or of another roof still has diffuse light. */
const NOTHING = 0.04
const NOISE_A = 0.05
/** With this share of the others' voltage something is connected to an input. */
const CONNECTED = 0.4

/**
 * Inputs (counted from 1) that give nothing while their siblings produce. An input that was never used says the same as a dead one:
 * it counts only where it has a voltage, or is known to have produced.
 * @param produced by input: whether it has ever given something
 */
export function deadStrings(dc: readonly Channel[], produced: readonly boolean[] = []): number[] {
  const byCurrent = dc.every(({ current_a }) => current_a !== undefined)
  const values = dc.map(({ current_a, power_w }) => (byCurrent ? current_a : power_w))
  const found: number[] = []
  for (const [index, value] of values.entries()) {
    const others = values.filter((each, other): each is number => other !== index && each !== undefined)
    if (value === undefined || others.length === 0) continue
    // Empty inputs among the siblings are no measure.
    const producing = others.filter((each) => each >= (byCurrent ? ENOUGH_A : ENOUGH_W))
    if (producing.length === 0) continue
    const usual = median(producing)
    if (value > Math.max(NOTHING * usual, byCurrent ? NOISE_A : 0)) continue
    if (produced[index] || isConnected(dc, index)) found.push(index + 1)
  }
  return found
}

function isConnected(dc: readonly Channel[], index: number): boolean {
  const own = dc[index]!.voltage_v
  const others = dc.flatMap(({ voltage_v }, other) =>
    other !== index && voltage_v !== undefined && voltage_v > 0 ? [voltage_v] : [],
  )
  return own !== undefined && others.length > 0 && own >= CONNECTED * median(others)
}

/** Which inputs give something now, to be remembered. */
export const producingStrings = (dc: readonly Channel[]): boolean[] =>
  dc.map(({ current_a, power_w }) => (current_a ?? 0) >= ENOUGH_A || (power_w ?? 0) >= ENOUGH_W)
