/** Takes away what the server drew in the meantime (`Shell.svelte`): the page itself stands now. */
export const dropShell = (): void => document.getElementById('shell')?.remove()
