/** Preloaded by a test (`node --import`): the native vendor's decoder as somebody might change it, so that readings are half a minute later. */
import { vendors } from '@heliograph/ingest'

const LATER_MS = 30_000
const native = vendors.get('native')
vendors.set('native', {
  ...native,
  decode(message, state) {
    const decoded = native.decode(message, state)
    return { ...decoded, readings: decoded.readings.map((reading) => ({ ...reading, ts: reading.ts + LATER_MS })) }
  },
})
