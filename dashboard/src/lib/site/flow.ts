/** Where a site's power comes from and goes to, of what it measures: the drawing of the flow is made from this. */
import type { LiveSite } from '@heliograph/crm-core/contracts'

export type FlowNode = 'pv' | 'grid' | 'battery' | 'load'
export interface Flow {
  from: FlowNode
  to: FlowNode
  /** More than nothing. */
  watts: number
}
export interface FlowModel {
  /** Nodes that are measured, or follow from what is; `watts` without direction. */
  nodes: { id: FlowNode; watts: number | undefined; note: string; derived: boolean }[]
  flows: Flow[]
  /** Percent. */
  socPct: number | undefined
}

/** Below this much power nothing flows: meters do not rest at exactly zero. */
const NOISE_W = 5

/**
 * Sharing out by the usual rule: the sun serves the house first, then the battery, then the grid; the battery serves the house, then the
 * grid. Where the load is not measured it is what is left. Undefined where a site measures its production alone: there is nothing to
 * draw.
 * @param now latest values; the signs are those of the contract (+ import, + discharge)
 */
export function flowModel(
  now: Pick<LiveSite, 'acPowerW' | 'gridPowerW' | 'batteryPowerW' | 'batterySocPct' | 'loadPowerW'>,
): FlowModel | undefined {
  const { gridPowerW: grid, batteryPowerW: battery, batterySocPct: socPct } = now
  const pv = now.acPowerW === undefined ? undefined : Math.max(0, now.acPowerW)
  if (grid === undefined && battery === undefined && now.loadPowerW === undefined) return undefined
  const derived = now.loadPowerW === undefined && pv !== undefined && grid !== undefined
  const load = now.loadPowerW ?? (derived ? Math.max(0, pv + grid + (battery ?? 0)) : undefined)

  const flows: Flow[] = []
  const send = (from: FlowNode, to: FlowNode, watts: number): number => {
    const moved = Math.max(0, watts)
    if (moved > NOISE_W) flows.push({ from, to, watts: moved })
    return moved
  }
  let sun = pv ?? 0
  let wanted = load ?? Infinity
  let discharge = Math.max(0, battery ?? 0)
  let charge = Math.max(0, -(battery ?? 0))
  let drawn = Math.max(0, grid ?? 0)
  let fed = Math.max(0, -(grid ?? 0))
  const move = (from: FlowNode, to: FlowNode, have: number, want: number): number =>
    send(from, to, Math.min(have, want))

  if (load !== undefined) {
    const own = move('pv', 'load', sun, wanted)
    sun -= own
    wanted -= own
  }
  const stored = move('pv', 'battery', sun, charge)
  sun -= stored
  charge -= stored
  const sold = move('pv', 'grid', sun, fed)
  fed -= sold
  if (load !== undefined) {
    const helped = move('battery', 'load', discharge, wanted)
    discharge -= helped
    wanted -= helped
    const bought = move('grid', 'load', drawn, wanted)
    drawn -= bought
  }
  move('battery', 'grid', discharge, fed)
  move('grid', 'battery', drawn, charge)

  const nodes: FlowModel['nodes'] = []
  if (pv !== undefined)
    nodes.push({ id: 'pv', watts: pv, note: pv > NOISE_W ? 'producing' : 'resting', derived: false })
  if (load !== undefined) nodes.push({ id: 'load', watts: load, note: derived ? 'worked out' : 'used', derived })
  if (battery !== undefined || socPct !== undefined)
    nodes.push({
      id: 'battery',
      watts: battery === undefined ? undefined : Math.abs(battery),
      note:
        battery === undefined || Math.abs(battery) <= NOISE_W ? 'resting' : battery > 0 ? 'discharging' : 'charging',
      derived: false,
    })
  if (grid !== undefined)
    nodes.push({
      id: 'grid',
      watts: Math.abs(grid),
      note: Math.abs(grid) <= NOISE_W ? 'balanced' : grid > 0 ? 'drawn' : 'fed in',
      derived: false,
    })
  return { nodes, flows, socPct }
}

/** In words, for who does not see the drawing. */
export function flowSentence(model: FlowModel, told: (watts: number) => string): string {
  const NAMES: Readonly<Record<FlowNode, string>> = {
    pv: 'the sun',
    grid: 'the grid',
    battery: 'the battery',
    load: 'the house',
  }
  if (model.flows.length === 0) return 'Nothing flows now.'
  return `${model.flows.map(({ from, to, watts }) => `${told(watts)} from ${NAMES[from]} to ${NAMES[to]}`).join(', ')}.`
}
