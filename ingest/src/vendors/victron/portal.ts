import type { VendorMessage } from '../../vendor.ts'
import { epochMs, get, integerOf, isRecord, isSafeKey, wordsOf } from '../../vocabulary/index.ts'

const MAX_RECORDS = 5000
const utf8 = new TextEncoder()

/** Diagnostics of a site as the vendor's portal lists them: each value with its service, instance and path on the bus. */
export const isDiagnostics = (json: unknown): json is { records: unknown[] } => {
  const records = get(json, 'records')
  return Array.isArray(records) && (records as unknown[]).some((one) => get(one, 'dbusPath') !== undefined)
}

/** The same values as messages of the bus, all of the newest time that the portal gives. The site's number stands for the portal id. */
export function diagnosticsMessages(json: { records: unknown[] }, message: VendorMessage): VendorMessage[] {
  const records = json.records.slice(0, MAX_RECORDS).filter(isRecord)
  const times = records.map((one) => epochMs(one.timestamp, 's')).filter((one) => one !== undefined)
  const at = times.length > 0 ? Math.max(...times) : message.receivedAt
  return records.flatMap((one) => {
    const [site, service, path] = [
      wordsOf(one.idSite, 40),
      wordsOf(one.dbusServiceType, 40),
      wordsOf(one.dbusPath, 200),
    ]
    const instance = integerOf(one.instance)
    if (site === undefined || service === undefined || path === undefined || instance === undefined) return []
    const topic = `N/${site}/${service}/${instance}/${path.replace(/^\/+/, '')}`
    if (!isSafeKey(topic)) return []
    return [{ ...message, topic, receivedAt: at, body: utf8.encode(JSON.stringify({ value: one.rawValue ?? null })) }]
  })
}
