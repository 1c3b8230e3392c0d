// Loaded before an instance's own code (`--import`): its wall clock runs ahead by what a file says, so that minutes pass
// in a moment. Timers stay as they are.
import { readFileSync } from 'node:fs'

const RealDate = Date
const file = process.env.LINE_CLOCK_FILE
const realNow = RealDate.now.bind(RealDate)
let ahead = 0
let lookedAt = 0
function now() {
  const real = realNow()
  if (real - lookedAt > 50) {
    lookedAt = real
    try {
      ahead = Number(readFileSync(file, 'utf8')) || 0
    } catch {
      // Not written yet.
    }
  }
  return real + ahead
}
globalThis.Date = class Date extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [now()] : given))
  }
  static now = now
}
