/** What can be done, for the command palette and the page of keys: from the frame, and from the page that is open. */
import { untrack } from 'svelte'
import type { IconName } from '#lib/components/icons.ts'

export interface Command {
  id: string
  title: string
  icon: IconName
  /** Keys that do the same without the palette. */
  keys?: readonly string[]
  /** Other words under which somebody may look for it. */
  words?: string
  run: () => void
}

class Commands {
  #sources = $state.raw<readonly (() => readonly Command[])[]>([])
  /** Those of the open page, as things stand now. */
  get here(): Command[] {
    return this.#sources.flatMap((source) => source())
  }
  add(source: () => readonly Command[]): () => void {
    // Who adds, adds: it does not follow what others add.
    this.#sources = [...untrack(() => this.#sources), source]
    return () => {
      this.#sources = this.#sources.filter((other) => other !== source)
    }
  }
}
export const commands = new Commands()

/** Offers commands as long as the component that calls it lives. `source` is asked when somebody looks. */
export function offerCommands(source: () => readonly Command[]): void {
  $effect(() => commands.add(source))
}
