/** A user agent in words: enough to tell one's own sessions apart. Order matters, as each names the ones before it too. */
export function browserName(userAgent: string | null): string {
  if (!userAgent) return 'Unknown browser'
  const browser = [
    [/Edg(e|A|iOS)?\//, 'Edge'],
    [/OPR\//, 'Opera'],
    [/(Firefox|FxiOS)\//, 'Firefox'],
    [/(Chrome|CriOS|Chromium)\//, 'Chrome'],
    [/Version\/.*Safari\//, 'Safari'],
    [/^curl\//, 'curl'],
  ] as const
  const system = [
    [/iPhone|iPad/, 'iOS'],
    [/Android/, 'Android'],
    [/Windows/, 'Windows'],
    [/Mac OS X/, 'macOS'],
    [/CrOS/, 'ChromeOS'],
    [/Linux/, 'Linux'],
  ] as const
  const name = browser.find(([pattern]) => pattern.test(userAgent))?.[1] ?? 'Unknown browser'
  const place = system.find(([pattern]) => pattern.test(userAgent))?.[1]
  return place ? `${name} on ${place}` : name
}
