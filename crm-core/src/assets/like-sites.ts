/** Sites that one can be held against. */
import type { ReadDb, Row, SiteId } from '../../contracts/index.ts'
import { facesAlike, facingOf } from '../solar/facing.ts'
import { boxAround, neighboursOf } from '../solar/neighbours.ts'
import { MAX_PEERS, PEER_KM } from '../telemetry/expected.ts'

/** Looked for close by first: in a town thousands lie within the whole distance. */
const SEARCHED_KM = [3, 8, PEER_KM]
/** Looked at, nearest first, until enough of them face as the site does. */
const LOOKED_AT = 4 * MAX_PEERS
/**
 * Rated sites around one that face as it does, nearest first: what they give by their rating is usual there.
 * @param db as the caller, who learns of no site that it may not see
 * @returns ratings in W
 */
export async function likeSitesAround(
  db: ReadDb,
  site: Row<'site'>,
): Promise<{ siteId: SiteId; peakPowerW: number }[]> {
  const { latitude, longitude } = site
  if (latitude === null || longitude === null) return []
  let found: { siteId: SiteId; peakPowerW: number }[] = []
  for (const km of SEARCHED_KM) {
    const box = boxAround({ latitude, longitude }, km)
    const around = await db.all('site', {
      latitude: box.latitude,
      peakPowerW: { gt: 0 },
      OR: box.longitudes.map((range) => ({ longitude: range })),
    })
    const others = around.filter(({ id }) => id !== site.id)
    const places = [site, ...others].map((each) => ({
      id: each.id,
      latitude: each.latitude!,
      longitude: each.longitude!,
    }))
    const near = neighboursOf(places, km, LOOKED_AT).get(site.id) ?? []
    const arrays = Map.groupBy(
      await db.all('siteArray', { siteId: { in: [site.id, ...near] } }),
      ({ siteId }) => siteId,
    )
    const facing = facingOf(arrays.get(site.id) ?? [])
    const peaks = new Map(others.map(({ id, peakPowerW }) => [id, peakPowerW!]))
    found = near
      .filter((id) => facesAlike(facing, facingOf(arrays.get(id) ?? [])))
      .slice(0, MAX_PEERS)
      .map((id) => ({ siteId: id as SiteId, peakPowerW: peaks.get(id)! }))
    // Farther ones would not be looked at.
    if (found.length === MAX_PEERS || near.length === LOOKED_AT) break
  }
  return found
}
