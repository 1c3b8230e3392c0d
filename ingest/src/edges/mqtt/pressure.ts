/** How full the way to the disk is, and so who may be read. */
import type { LogProducer } from '@heliograph/crm-core/contracts'
import type { Appender } from './appender.ts'
import type { MqttLimits, MqttPressure } from './config.ts'
import type { Session } from './session.ts'

/** `soft`: only clients with nothing under way are read, so that pings and single messages pass. `hard`: nobody signed in. */
export type PressureLevel = 'none' | 'soft' | 'hard'

export interface PressureGauge {
  readonly level: PressureLevel
  measure(): PressureLevel
  mayRead(session: Session): boolean
}

export function createPressureGauge(options: {
  appender: Pick<Appender, 'heldBytes' | 'stalled'>
  producer: Pick<LogProducer, 'pendingBytes'>
  signal?: () => boolean
  settings: MqttPressure
  limits: MqttLimits
}): PressureGauge {
  const { appender, producer, settings, limits } = options
  let level: PressureLevel = 'none'
  return {
    get level() {
      return level
    },
    measure() {
      // The producer may also serve others, and counts what this edge has under way: the larger of the two.
      const bytes = Math.max(appender.heldBytes, producer.pendingBytes)
      if (bytes >= settings.hardBytes) level = 'hard'
      else if (bytes >= settings.softBytes || appender.stalled || options.signal?.()) level = 'soft'
      else level = 'none'
      return level
    },
    mayRead(session) {
      if (session.state === 'fresh') return true
      if (session.state !== 'open') return false
      if (level === 'hard') return false
      const most = level === 'soft' ? 1 : limits.inFlightPerClient
      return session.inFlight < most && session.socket.writableLength < limits.unreadAckBytes
    },
  }
}
