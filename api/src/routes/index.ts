import type { RouteModule } from '../http/api.ts'
import { alarmRoutes } from './alarms.ts'
import { apiKeyRoutes } from './api-keys.ts'
import { authRoutes } from './auth.ts'
import { connectionRoutes } from './connections.ts'
import { customerRoutes } from './customers.ts'
import { deadLetterRoutes } from './dead-letters.ts'
import { deskRoutes } from './desk.ts'
import { deviceRoutes } from './devices.ts'
import { fleetRoutes } from './fleet.ts'
import { readingRoutes } from './readings.ts'
import { recordRoutes } from './records.ts'
import { siteRoutes } from './sites.ts'
import { statusRoutes } from './status.ts'
import { tenancyRoutes } from './tenancy.ts'
import { ticketRoutes } from './tickets.ts'

/** Every resource under `/api/v1`. A new one is a file beside this and a line here. */
export const routeModules: readonly RouteModule[] = [
  authRoutes,
  apiKeyRoutes,
  tenancyRoutes,
  customerRoutes,
  siteRoutes,
  deviceRoutes,
  connectionRoutes,
  deskRoutes,
  deadLetterRoutes,
  alarmRoutes,
  ticketRoutes,
  recordRoutes,
  readingRoutes,
  fleetRoutes,
  statusRoutes,
]
