-- What sites should have given. `version` is the time of the computation: the latest one of a bucket wins. Figures that are not
-- measured are absent (NULL), never zero; buckets of the night, and those of which nothing is known, have no row.
CREATE TABLE expected_site_5m
(
  tenant_id LowCardinality(String),
  site_id LowCardinality(String),
  ts DateTime('UTC'),
  date Date,
  expected_w Nullable(Float64),
  low_w Nullable(Float64),
  high_w Nullable(Float64),
  -- Only where both the expectation and the production are known and may be compared.
  expected_wh Nullable(Float64),
  compared_wh Nullable(Float64),
  loss_wh Nullable(Float64),
  source LowCardinality(String),
  state LowCardinality(String),
  factor Float64,
  version UInt64,
  is_deleted UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(ts)
ORDER BY (tenant_id, site_id, ts)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE expected_site_1d
(
  tenant_id LowCardinality(String),
  site_id LowCardinality(String),
  -- Start of the local day.
  ts DateTime('UTC'),
  date Date,
  expected_wh Nullable(Float64),
  compared_wh Nullable(Float64),
  loss_wh Nullable(Float64),
  -- Five-minute buckets that were compared.
  slots UInt32,
  source LowCardinality(String),
  version UInt64,
  is_deleted UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYear(ts)
ORDER BY (tenant_id, site_id, ts)
SETTINGS non_replicated_deduplication_window = 1000;

-- A site's power over its model in the healthy clear intervals of a local day; its factor follows from these.
CREATE TABLE calibration_days
(
  tenant_id LowCardinality(String),
  site_id LowCardinality(String),
  date Date,
  ratio Float64,
  intervals UInt16,
  basis LowCardinality(String),
  version UInt64,
  is_deleted UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (tenant_id, site_id, date)
SETTINGS non_replicated_deduplication_window = 1000;

-- What a weather service told of a site's hours.
CREATE TABLE weather_hours
(
  tenant_id LowCardinality(String),
  site_id LowCardinality(String),
  -- Start of the hour.
  ts DateTime('UTC'),
  ghi_wm2 Float64,
  ambient_c Nullable(Float64),
  wind_ms Nullable(Float64),
  version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(ts)
ORDER BY (tenant_id, site_id, ts)
SETTINGS non_replicated_deduplication_window = 1000;

-- What was computed since an instant is found without reading all of it: expectations catch up from there after a crash.
ALTER TABLE rollup_site_5m ADD INDEX IF NOT EXISTS version_range version TYPE minmax GRANULARITY 1;
