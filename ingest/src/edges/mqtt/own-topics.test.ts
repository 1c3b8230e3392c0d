import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { vendors } from '../../vendors/index.ts'
import { createOwnTopics } from './own-topics.ts'

const FIXTURES = new URL('../../../fixtures/', import.meta.url)
const mayPublish = createOwnTopics(vendors.values())

describe('own topics', () => {
  it.each([
    ['native', 'readings', true],
    ['native', 'readings/more', false],
    ['native', 'N/c0619/system/0/Dc/Battery/Soc', false],
    ['victron', 'N/c0619/system/0/Dc/Battery/Soc', true],
    ['victron', 'W/c0619/settings/0/Settings', false],
    ['sparkplug-b', 'spBv1.0/Fleet/NBIRTH/Site01', true],
    ['sparkplug-b', 'readings', false],
    ['tasmota', 'roof/stat/STATUS8', true],
    ['opendtu', 'any/base/of/mine', true],
    ['opendtu', 'homeassistant/sensor/x/config', true],
    ['opendtu', 'spBv1.0/Fleet/NBIRTH/Site01', false],
    ['shelly', 'readings', false],
  ])('%s to %s: %s', (vendor, topic, expected) => {
    expect(mayPublish(vendor, topic)).toBe(expected)
  })

  it('refuses no recorded message of any vendor', () => {
    let seen = 0
    for (const vendor of readdirSync(FIXTURES))
      for (const file of readdirSync(new URL(vendor, FIXTURES)).filter((name) => name.endsWith('.mqtt.ndjson')))
        for (const line of readFileSync(new URL(`${vendor}/${file}`, FIXTURES), 'utf8')
          .split('\n')
          .filter(Boolean)) {
          const { topic } = JSON.parse(line) as { topic: string }
          expect(mayPublish(vendor, topic), `${vendor} ${topic}`).toBe(true)
          seen++
        }
    expect(seen).toBeGreaterThan(100)
  })
})
