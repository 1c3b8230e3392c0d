/** The demo's devices as a process. */
import { childLink } from '../process/link.ts'
import { runChild } from '../process/child.ts'
import { startSimulator } from '../roles/simulator.ts'
import { readSettings } from '../settings.ts'

await runChild(() => startSimulator({ settings: readSettings(), link: childLink('simulator') }))
