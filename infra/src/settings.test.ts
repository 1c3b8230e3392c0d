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
  it('suggests the nearest name, not the first that is near', () => {
    const suggested = (name: string) => /did you mean (\w+)/.exec(problems({ [name]: '1' })[0]!)?.[1]
    expect(suggested('HELIO_MQTTS_PROT')).toBe('HELIO_MQTTS_PORT')
    expect(suggested('HELIO_MQTT_PROT')).toBe('HELIO_MQTT_PORT')
    expect(suggested('HELIO_HTP_PORT')).toBe('HELIO_HTTP_PORT')
    expect(suggested('HELIO_SMS_URLS')).toBe('HELIO_SMS_URL')
    expect(suggested('HELIO_DATADIR')).toBe('HELIO_DATA_DIR')
    expect(suggested('HELIO_QUANTUM_FLUX')).toBeUndefined()
  })
  it('chooses engines by scheme and lists the known ones in one line, without what a URL may hide', () => {
    expect(readSettings({}).engineUrls).toEqual({
      series: 'warehouse:',
      log: 'lmdb:',
      live: 'memory:',
      files: 'folder:',
      mail: 'outbox:',
      sms: 'outbox:',
    })
    expect(readSettings({ HELIO_LOG_URL: 'lmdb://' }).engineUrls.log).toBe('lmdb://')
    expect(problems({ HELIO_LOG_URL: 'carrier-pigeon://me:s3cret@roof', HELIO_SMS_URL: 'nonsense' })).toEqual([
      'HELIO_LOG_URL: there is no engine "carrier-pigeon:"; known: lmdb:, kafka://',
      expect.stringMatching(/^HELIO_SMS_URL: is no URL; known engines: outbox:/),
    ])
    expect(problems({ HELIO_LOG_URL: 'lmdb:///somewhere/else' })[0]).toContain('takes no address')
    expect(problems({ HELIO_LIVE_URL: 'constructor:' })[0]).toContain('there is no engine')
  })
  it('refuses default secrets in production, and never repeats a secret', () => {
    expect(problems({ HELIO_ENV: 'production' })).toHaveLength(2)
    expect(problems({ HELIO_SECRET: 'too-short' }).join()).not.toContain('too-short')
    expect(JSON.stringify(redacted(readSettings({ HELIO_SECRET: 'a-very-long-secret-value' })))).not.toContain(
      'a-very-long',
    )
  })
})
