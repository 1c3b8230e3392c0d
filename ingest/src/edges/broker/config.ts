import { z } from 'zod'
import { mqttPressureSchema } from '../mqtt/config.ts'

const count = z.int().positive()

/** Everything that is bounded between us and tenants' brokers, by name. Sizes in bytes, times as the name says. */
export const brokerLimitsSchema = z.strictObject({
  /** Payload of one message. A larger one is skipped, counted and acknowledged. */
  payloadBytes: count.default(1024 * 1024),
  topicBytes: count.default(512),
  topicLevels: count.max(100).default(32),
  /** Messages of one broker that are read and not yet on disk; its socket is not read beyond that. */
  inFlight: count.max(65_535).default(1_000),
  /** Acknowledgements a broker leaves unread before its socket is no longer read. */
  unreadAckBytes: count.default(64 * 1024),
  connectMs: count.default(10_000),
  /** Wait for the answer to CONNECT, SUBSCRIBE and UNSUBSCRIBE. */
  answerMs: count.default(15_000),
  keepaliveS: count.max(65_535).default(30),
  /** How long a broker is asked to keep messages for us while we are away. */
  sessionExpiryS: count.default(7 * 86_400),
  /** First and longest pause before a broker is tried again; each is drawn between half of it and the whole. */
  retryMs: count.default(500),
  retryMaxMs: count.default(30_000),
  /** First pause after a refused login: brokers lock out who tries too often. */
  refusedRetryMs: count.default(10_000),
  /** A connection that held so long was a good one: the next pause is the first again. */
  steadyMs: count.default(10_000),
  downlinkBytes: count.default(64 * 1024),
  /** Messages to the devices of one connection. */
  downlinksPerSecond: z.number().positive().default(1),
  downlinkBurst: count.default(10),
})
export type BrokerLimits = z.infer<typeof brokerLimitsSchema>

export const brokerEdgeConfigSchema = z.strictObject({
  limits: brokerLimitsSchema.prefault({}),
  pressure: mqttPressureSchema.prefault({}),
  /** Time a stop waits for what was read to be on disk and acknowledged. */
  drainMs: count.default(2_000),
})
export type BrokerEdgeSettings = z.input<typeof brokerEdgeConfigSchema>
