import type { DemoVendor } from '../plan.ts'
import { shelly, tasmota } from './meters.ts'
import { native } from './native.ts'
import { opendtu } from './opendtu.ts'
import { sparkplugB } from './sparkplug-b.ts'
import type { SpeechFactory } from './speech.ts'
import { victron } from './victron.ts'
import { fronius, growatt } from './webhooks.ts'

export const SPEECHES: Readonly<Record<DemoVendor, SpeechFactory>> = {
  native,
  opendtu,
  victron,
  shelly,
  tasmota,
  'sparkplug-b': sparkplugB,
  growatt,
  fronius,
}
export type { Publication, Said, Speech } from './speech.ts'
