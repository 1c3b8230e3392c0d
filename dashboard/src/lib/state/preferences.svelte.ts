/** What a person has set for this browser: theme, density, and the language of numbers and dates. */
export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]
export const DENSITIES = ['comfortable', 'compact'] as const
export type Density = (typeof DENSITIES)[number]
/** Languages that numbers and dates can be told in; the words stay English. Any other is reached by the browser's own. */
export const LOCALES = [
  'en-GB',
  'en-US',
  'de-DE',
  'de-CH',
  'fr-FR',
  'es-ES',
  'it-IT',
  'nl-NL',
  'pl-PL',
  'pt-PT',
  'sv-SE',
  'cs-CZ',
  'en-AU',
  'en-IN',
  'ja-JP',
] as const

function stored(name: string): string | null {
  try {
    return localStorage.getItem(name)
  } catch {
    return null
  }
}
function store(name: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(name)
    else localStorage.setItem(name, value)
  } catch {
    // Storage is off: the choice holds for this page only.
  }
}

function isLocale(tag: string): boolean {
  try {
    return Intl.NumberFormat.supportedLocalesOf(tag).length > 0
  } catch {
    return false
  }
}

class Preferences {
  theme = $state<Theme>('system')
  /** BCP 47 tag for numbers and dates; the browser's own unless set. */
  locale = $state('en')
  /** Whether the locale was chosen rather than taken from the browser. */
  localeChosen = $state(false)
  density = $state<Density>('comfortable')
  railOpen = $state(true)
  /** Grows with every change of theme, the system's own included: charts draw anew. */
  themeVersion = $state(0)

  /** Reads what was set before; answers how to stop following the system. */
  start(): () => void {
    const theme = stored('helio-theme')
    this.theme = theme === 'light' || theme === 'dark' ? theme : 'system'
    this.setLocale(stored('helio-locale') ?? undefined)
    this.density = stored('helio-density') === 'compact' ? 'compact' : 'comfortable'
    this.railOpen = stored('helio-rail') !== 'closed'
    const system = matchMedia('(prefers-color-scheme: dark)')
    const changed = () => {
      this.themeVersion++
    }
    system.addEventListener('change', changed)
    return () => system.removeEventListener('change', changed)
  }
  setTheme(theme: Theme): void {
    this.theme = theme
    if (theme === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme
    store('helio-theme', theme === 'system' ? undefined : theme)
    this.themeVersion++
  }
  /** @param locale undefined: the browser's own */
  setLocale(locale: string | undefined): void {
    const known = locale !== undefined && isLocale(locale) ? locale : undefined
    this.localeChosen = known !== undefined
    this.locale = known ?? navigator.language
    store('helio-locale', known)
  }
  setDensity(density: Density): void {
    this.density = density
    store('helio-density', density === 'compact' ? density : undefined)
  }
  setRail(open: boolean): void {
    this.railOpen = open
    store('helio-rail', open ? undefined : 'closed')
  }
}

export const preferences = new Preferences()
