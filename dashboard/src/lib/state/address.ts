/** Filters, order and ranges live in the address, so that a view can be sent to somebody and Back works. */
import { goto } from '$app/navigation'
import { page } from '$app/state'

/** Sets or removes (undefined or empty) parameters of the address. Typing replaces the entry in the history; a choice adds one. */
export function setParams(changes: Record<string, string | undefined>, { replace = false } = {}): void {
  const url = new URL(page.url.href)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  }
  if (url.href === page.url.href) return
  void goto(url, { replace, reset: false })
}
