/** What the frame offers to the palette on every page. */
import { goto } from '$app/navigation'
import type { NavigationEntry } from '#lib/navigation/entries.ts'
import { LOCALES, preferences } from '#lib/state/preferences.svelte.ts'
import { scope } from '#lib/state/scope.svelte.ts'
import type { Searchable } from './palette.ts'

export interface FrameActs {
  entries: readonly NavigationEntry[]
  mayOpenTickets: boolean
  help: () => void
  signOut: () => void
}

export function frameCommands({ entries, mayOpenTickets, help, signOut }: FrameActs): Searchable[] {
  const languages = new Intl.DisplayNames('en', { type: 'language' })
  return [
    ...entries.map((entry): Searchable => ({
      id: `go ${entry.href}`,
      group: 'Go to',
      title: entry.label,
      icon: entry.icon,
      keys: ['g', entry.key],
      words: 'open page',
      run: () => void goto(scope.href(entry.href)),
    })),
    ...(mayOpenTickets
      ? [
          {
            id: 'new-ticket',
            group: 'Do',
            title: 'New ticket',
            icon: 'plus' as const,
            words: 'open make create',
            run: () => void goto('/tickets?new=1'),
          },
        ]
      : []),
    ...(['light', 'dark', 'system'] as const).map((theme): Searchable => ({
      id: `theme ${theme}`,
      group: 'Do',
      title: theme === 'system' ? 'Theme of the system' : `${theme === 'dark' ? 'Dark' : 'Light'} theme`,
      icon: theme === 'dark' ? 'moon' : theme === 'light' ? 'sun' : 'contrast',
      words: 'look colours',
      run: () => preferences.setTheme(theme),
    })),
    {
      id: 'density',
      group: 'Do',
      title: preferences.density === 'compact' ? 'Comfortable rows' : 'Compact rows',
      icon: 'rows',
      words: 'density',
      run: () => preferences.setDensity(preferences.density === 'compact' ? 'comfortable' : 'compact'),
    },
    ...scope.tree.slice(0, 200).map((unit): Searchable => ({
      id: `unit ${unit.id}`,
      group: 'Show the part',
      title: unit.name,
      icon: 'tree',
      words: 'scope unit region',
      rare: true,
      run: () => scope.choose(unit.parentId === null ? undefined : unit.id),
    })),
    ...LOCALES.map((locale): Searchable => ({
      id: `locale ${locale}`,
      group: 'Numbers and dates',
      title: languages.of(locale) ?? locale,
      icon: 'globe',
      words: 'language locale format',
      rare: true,
      run: () => preferences.setLocale(locale),
    })),
    { id: 'help', group: 'Do', title: 'Keyboard shortcuts', icon: 'keyboard', keys: ['?'], run: help },
    { id: 'sign-out', group: 'Do', title: 'Sign out', icon: 'signOut', words: 'log out leave', run: signOut },
  ]
}
