export { createMqttEdge, type MqttEdge, type MqttEdgeStats } from './edge.ts'
export { createOwnTopics } from './own-topics.ts'
export { type MqttEdgeConfig, mqttEdgeConfigSchema, type MqttEdgeSettings, type MqttLimits } from './config.ts'
export type { DownlinkResult, MqttDownlink } from './downlinks.ts'
export type {
  MqttCounter,
  MqttCounters,
  MqttCredentials,
  MqttEdgeDeps,
  MqttIdentity,
  MqttRefusal,
  RefusalReason,
  Revocation,
  Revocations,
  Takeover,
  Takeovers,
} from './ports.ts'
