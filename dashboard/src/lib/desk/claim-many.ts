/** Claims one after the other: each is a transaction of its own, so that one that fails takes none with it. */
import type { Claimed, DeviceKind, DeviceRole } from '@heliograph/crm-core/contracts'
import { asApiError } from '#lib/api/problem.ts'
import { api } from '#lib/api/api.ts'

export interface WantedClaim {
  unclaimedId: string
  siteId: string
  name?: string
  kind?: DeviceKind
  role?: DeviceRole
}
/** @param told after each, with what went wrong where something did. Stops when `stopped` says so. */
export async function claimAll(
  wanted: readonly WantedClaim[],
  told: (index: number, problem: string | undefined) => void,
  stopped: () => boolean,
): Promise<void> {
  for (const [index, { unclaimedId, ...body }] of wanted.entries()) {
    if (stopped()) return
    try {
      await api.post<Claimed>(`/unclaimed/${encodeURIComponent(unclaimedId)}/claim`, body)
      told(index, undefined)
    } catch (caught) {
      const error = asApiError(caught)
      told(
        index,
        error.fields[0]?.message ?? (error.code === 'not_found' ? 'It is no longer unclaimed' : error.message),
      )
    }
  }
}
