/** What a person has set for this browser: theme, and the language of numbers and dates. */
export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

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

class Preferences {
  theme = $state<Theme>('system')
  /** BCP 47 tag for numbers and dates; the browser's own unless set. */
  locale = $state('en')
  railOpen = $state(true)
  /** Grows with every change of theme, the system's own included: charts draw anew. */
  themeVersion = $state(0)

  /** Reads what was set before; answers how to stop following the system. */
  start(): () => void {
    const theme = stored('helio-theme')
    this.theme = theme === 'light' || theme === 'dark' ? theme : 'system'
    this.locale = stored('helio-locale') ?? navigator.language
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
  setRail(open: boolean): void {
    this.railOpen = open
    store('helio-rail', open ? undefined : 'closed')
  }
}

export const preferences = new Preferences()
