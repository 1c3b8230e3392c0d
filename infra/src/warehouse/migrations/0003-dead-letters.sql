-- What could not be decoded, with its bytes. Kept as long as the raw log; `resolved` and newer details by a later version.
CREATE TABLE dead_letters
(
  id String,
  tenant_id LowCardinality(String),
  connection_id LowCardinality(String),
  vendor LowCardinality(String),
  transport LowCardinality(String),
  topic String,
  received_at DateTime64(3, 'UTC'),
  reason LowCardinality(String),
  detail String CODEC(ZSTD(1)),
  raw_partition UInt16,
  raw_offset UInt64,
  revision UInt32,
  size UInt32,
  -- Base64 of the message.
  body String CODEC(ZSTD(1)),
  resolved UInt8,
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(received_at)
ORDER BY (tenant_id, received_at, id)
TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 1000;
