import { join } from 'node:path'
import type { Settings } from '../settings.ts'

/** Asks a running instance to start over; gone when it has. */
export const resetRequest = (settings: Pick<Settings, 'dataDir'>): string => join(settings.dataDir, 'demo-reset')

/** Stands while the demo is made: one that is still there at a start was cut off, and is made anew. */
export const seedMark = (settings: Pick<Settings, 'dataDir'>): string => join(settings.dataDir, 'demo-seeding')
