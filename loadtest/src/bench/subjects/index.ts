import type { Subject } from '../lib/subject.ts'
import { charts } from './charts.ts'
import { edge } from './edge.ts'
import { endToEnd } from './end-to-end.ts'
import { engines } from './engines.ts'
import { kafkaLine } from './kafka-line.ts'
import { kill } from './kill.ts'
import { replay } from './replay.ts'
import { sites } from './sites.ts'
import { sockets } from './sockets.ts'
import { startUp } from './start-up.ts'
import { webhook } from './webhook.ts'

export const subjects: readonly Subject[] = [
  edge,
  endToEnd,
  webhook,
  replay,
  sites,
  sockets,
  charts,
  startUp,
  kill,
  kafkaLine,
  ...engines,
]
