/** How much of what a system made was used at home, and how much of what the home used came from it. */
export interface EnergyBalance {
  madeWh: number | undefined
  importWh: number | undefined
  exportWh: number | undefined
}
export interface SelfUse {
  /** Made and not fed in: used at home, or put into the battery. */
  ownWh: number
  exportWh: number
  importWh: number | undefined
  /** Of what was made, the share that stayed. */
  ownShare: number | undefined
  /** Of what the home used, the share that came from its own system. */
  independence: number | undefined
}

/** Undefined where what is fed in is not measured: then nobody knows. A share of nothing is not told. */
export function selfUse({ madeWh, importWh, exportWh }: EnergyBalance): SelfUse | undefined {
  if (madeWh === undefined || exportWh === undefined) return undefined
  // Counters of two devices never agree to the watt-hour.
  const own = Math.max(0, madeWh - exportWh)
  const used = importWh === undefined ? undefined : own + Math.max(0, importWh)
  return {
    ownWh: own,
    exportWh,
    importWh,
    ownShare: madeWh > 0 ? Math.min(1, own / madeWh) : undefined,
    independence: used !== undefined && used > 0 ? Math.min(1, own / used) : undefined,
  }
}
