import { z } from 'zod'

const count = z.int().positive()

/** Everything that is bounded at the MQTT edge, by name. Sizes in bytes, times as the name says. */
export const mqttLimitsSchema = z.strictObject({
  /** Payload of one message. A larger one ends the connection before it is read. */
  payloadBytes: count.default(1024 * 1024),
  /** The CONNECT packet with its will. */
  connectBytes: count.default(64 * 1024),
  topicBytes: count.default(512),
  topicLevels: count.max(100).default(32),
  clientIdLength: count.default(128),
  userNameLength: count.default(256),
  secretLength: count.default(512),
  /** Open sockets of this process; the next one is closed at once. */
  sockets: count.default(20_000),
  /** Sessions of one connection (credential) at a time. */
  sessionsPerConnection: count.default(5_000),
  /** Messages of one client that are read and not yet on disk; its socket is not read beyond that. */
  inFlightPerClient: count.default(1_000),
  /** Acknowledgements a client leaves unread before its socket is no longer read. */
  unreadAckBytes: count.default(64 * 1024),
  /** Half-received messages of all clients together; beyond that the client that adds to it is cut. */
  partialBytes: count.default(128 * 1024 * 1024),
  /**
   * Sign-ins a second, and how many may come at once; the others wait their turn. With the longest wait, 16 000 loggers that come
   * back within five seconds are all served: beyond that they are told to try again.
   */
  connectsPerSecond: count.default(1_000),
  connectBurst: count.default(1_000),
  /** Longest wait for that turn before a client is told "server unavailable". */
  connectWaitMs: count.default(10_000),
  /** From accepting a socket to its CONNECT packet, the TLS handshake included. */
  connectTimeoutMs: count.default(10_000),
  /** Wrong secrets of one user name from one address within a minute; more are refused without a look. */
  failuresPerMinute: count.default(10),
  /** A client that asks for a longer keepalive, or none, is judged by this one. */
  keepaliveS: count.max(65_535).default(3_600),
  subscriptionsPerClient: count.default(32),
  downlinkBytes: count.default(64 * 1024),
  /** Messages to the devices of one connection. */
  downlinksPerSecond: z.number().positive().default(1),
  downlinkBurst: count.default(10),
})
export type MqttLimits = z.infer<typeof mqttLimitsSchema>

export const mqttPressureSchema = z.strictObject({
  /** Bytes on their way to the disk above which only clients that wait for nothing are read. */
  softBytes: count.default(16 * 1024 * 1024),
  /** Bytes above which no signed-in client is read at all. */
  hardBytes: count.default(64 * 1024 * 1024),
  /** One append to the log at most. */
  batchRecords: count.default(5_000),
  batchBytes: count.default(8 * 1024 * 1024),
  /** First and longest pause before a refused append is tried again. */
  retryMs: count.default(100),
  retryMaxMs: count.default(2_000),
})
export type MqttPressure = z.infer<typeof mqttPressureSchema>

const pem = z.union([z.string(), z.instanceof(Buffer)])

export const mqttEdgeConfigSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  /** Plain listener; 0 lets the system choose. Absent: none. */
  port: z.int().min(0).max(65_535).optional(),
  /** TLS listener beside it; cert and key are PEM, as text or bytes. */
  tls: z.strictObject({ port: z.int().min(0).max(65_535), cert: pem, key: pem }).optional(),
  limits: mqttLimitsSchema.prefault({}),
  pressure: mqttPressureSchema.prefault({}),
  /** Time a stop waits for what was read to be on disk and acknowledged. */
  drainMs: count.default(5_000),
})
export type MqttEdgeConfig = z.infer<typeof mqttEdgeConfigSchema>
export type MqttEdgeSettings = z.input<typeof mqttEdgeConfigSchema>
