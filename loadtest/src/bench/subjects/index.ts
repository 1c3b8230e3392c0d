import type { Subject } from '../lib/subject.ts'
import { edge } from './edge.ts'

export const subjects: readonly Subject[] = [edge]
