import { describeLive } from './live.conformance.ts'
import { createMemoryLive } from './memory.ts'

describeLive('memory', () => createMemoryLive())
