import { WRONG_CLOCK_MS } from '../troubles.ts'
import { UNCLAIMED_SERIAL } from '../sites.ts'
import type { Said, SpeechFactory } from './speech.ts'

/** Our own JSON: all devices of a logger in one message. */
export const native: SpeechFactory = (_site, devices) => {
  const serials = new Set(devices.map(({ serial }) => serial))
  // Beside its siblings on the same logger there is one that nobody has entered.
  const sibling = devices.find(({ serial }) => serial.replace(/\d+$/, '') === UNCLAIMED_SERIAL.replace(/\d+$/, ''))
  const reading = ({ device, measured }: Said, ts: number) => ({
    device: device.externalId,
    ts: device.trouble === 'wrong-clock' ? ts + WRONG_CLOCK_MS : ts,
    ...measured,
  })
  return {
    transport: 'mqtt',
    say(said, ts) {
      const readings = said.map((each) => reading(each, ts))
      const beside = said.find(({ device }) => device === sibling)
      if (beside && !serials.has(UNCLAIMED_SERIAL)) readings.push({ ...reading(beside, ts), device: UNCLAIMED_SERIAL })
      return readings.length === 0 ? [] : [{ topic: 'readings', body: JSON.stringify(readings) }]
    },
  }
}
