import { describe, expect, it } from 'vitest'
import { readSettings, redacted, SettingsError } from './settings.ts'

const problems = (environment: Record<string, string>): string[] => {
  try {
    readSettings(environment)
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  return []
}

describe('settings', () => {
  it('has a default for everything', () => {
    expect(readSettings({})).toMatchObject({
      httpPort: 8080,
      mqttPort: 1883,
      demo: true,
      publicUrl: 'http://127.0.0.1:8080',
    })
  })
  it('refuses unknown names and bad values with one line each', () => {
    expect(problems({ HELIO_HTPPPORT: '1', HELIO_MQTT_PORT: 'many', PATH: '/bin' })).toEqual([
      expect.stringContaining('HELIO_MQTT_PORT'),
      'HELIO_HTPPPORT: there is no setting of this name; did you mean HELIO_HTTP_PORT?',
    ])
  })
  it('refuses default secrets in production, and never repeats a secret', () => {
    expect(problems({ HELIO_ENV: 'production' })).toHaveLength(2)
    expect(problems({ HELIO_SECRET: 'too-short' }).join()).not.toContain('too-short')
    expect(JSON.stringify(redacted(readSettings({ HELIO_SECRET: 'a-very-long-secret-value' })))).not.toContain(
      'a-very-long',
    )
  })
})
