/** What goes wrong in real fleets, done on purpose and decided by the seed. */
import type { Plant, Sample } from './plant.ts'
import { unit } from './random.ts'

export const FAULTS = ['duplicates', 'disorder', 'gaps', 'resets', 'clock', 'reconnects', 'poison'] as const
export type Fault = (typeof FAULTS)[number]

export interface FaultPlan {
  /** The device is silent at this instant: a gap of minutes. */
  silent(plant: Plant, ts: number): boolean
  /** Sends this message again later. */
  duplicates(key: number): boolean
  /** Holds this message back so that later ones overtake it. */
  late(key: number): boolean
  /** Changes the sample before it is sent: counters that start again, clocks that are wrong. */
  distort(plant: Plant, sample: Sample, key: number): Sample
  reconnects(key: number): boolean
  /** A body that no decoder understands, sent instead. */
  poison(key: number): string | undefined
}

const GAP_MS = 120_000
const POISON = [
  '',
  '{"device":',
  'NaN',
  '\u0000\u0001',
  '['.repeat(2_000),
  '{"__proto__":{"x":1}}',
  '{"device":"x","ts":1e309}',
]

export function createFaults(wanted: ReadonlySet<Fault>, seed: number): FaultPlan {
  const happens = (fault: Fault, share: number, ...key: number[]): boolean =>
    wanted.has(fault) && unit(seed, FAULTS.indexOf(fault), ...key) < share
  const reset = new Set<number>()
  return {
    // One window in twenty per device.
    silent: (plant, ts) => happens('gaps', 0.05, plant.index, Math.floor(ts / GAP_MS)),
    duplicates: (key) => happens('duplicates', 0.05, key),
    late: (key) => happens('disorder', 0.05, key),
    distort(plant, sample, key) {
      // One device in fifty loses its counter once.
      if (
        !reset.has(plant.index) &&
        happens('resets', 0.02, plant.index) &&
        happens('resets', 0.01, plant.index, key)
      ) {
        reset.add(plant.index)
        plant.resetCounter()
        return { ...sample, energyTotalWh: 0, energyDayWh: 0 }
      }
      // One in fifty each: a day ahead, the epoch, two hours behind.
      if (wanted.has('clock')) {
        const kind = unit(seed, 99, plant.index)
        if (kind < 0.02) return { ...sample, ts: sample.ts + 86_400_000 }
        if (kind < 0.04) return { ...sample, ts: sample.ts % 86_400_000 }
        if (kind < 0.06) return { ...sample, ts: sample.ts - 7_200_000 }
      }
      return sample
    },
    reconnects: (key) => happens('reconnects', 0.001, key),
    poison: (key) => (happens('poison', 0.01, key) ? POISON[key % POISON.length] : undefined),
  }
}
