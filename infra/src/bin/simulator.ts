/** The demo's devices as a process. */
import { runChild } from '../process/child.ts'
import { startSimulator } from '../roles/simulator.ts'

await runChild(startSimulator)
