-- One row per device and instant. Later raw offsets win over earlier ones, then later decodings of the same message.
-- Reads use FINAL (or argMax) and see one row per (tenant_id, device_id, ts).
CREATE TABLE readings
(
  tenant_id LowCardinality(String),
  device_id LowCardinality(String),
  ts DateTime64(3, 'UTC'),
  site_id LowCardinality(String),
  received_at DateTime64(3, 'UTC'),
  source LowCardinality(String),
  ac_power_w Nullable(Float64),
  dc_power_w Nullable(Float64),
  pv_power_w Nullable(Float64),
  energy_total_wh Nullable(Float64),
  energy_day_wh Nullable(Float64),
  energy_interval_wh Nullable(Float64),
  interval_s Nullable(Float64),
  frequency_hz Nullable(Float64),
  inverter_temp_c Nullable(Float64),
  irradiance_wm2 Nullable(Float64),
  module_temp_c Nullable(Float64),
  ambient_temp_c Nullable(Float64),
  wind_ms Nullable(Float64),
  grid_power_w Nullable(Float64),
  battery_power_w Nullable(Float64),
  load_power_w Nullable(Float64),
  battery_soc_pct Nullable(Float64),
  import_total_wh Nullable(Float64),
  export_total_wh Nullable(Float64),
  power_limit_pct Nullable(Float64),
  power_factor Nullable(Float64),
  reactive_power_var Nullable(Float64),
  dc_voltages_v Array(Nullable(Float64)),
  dc_currents_a Array(Nullable(Float64)),
  dc_powers_w Array(Nullable(Float64)),
  ac_voltages_v Array(Nullable(Float64)),
  ac_currents_a Array(Nullable(Float64)),
  ac_powers_w Array(Nullable(Float64)),
  extra String CODEC(ZSTD(1)),
  status LowCardinality(String),
  -- JSON list; empty text: the device said nothing about faults.
  faults String CODEC(ZSTD(1)),
  quality Array(LowCardinality(String)),
  connection_id LowCardinality(String),
  raw_partition UInt16,
  raw_offset UInt64,
  revision UInt32,
  version UInt64 MATERIALIZED bitShiftLeft(raw_offset, 20) + revision,
  is_deleted UInt8,
  -- When this row came in: roll-ups catch up from here after a crash.
  stored_at DateTime('UTC') DEFAULT now(),
  -- Re-decoding a range of the log looks rows up by where they came from.
  INDEX raw_offset_range raw_offset TYPE minmax GRANULARITY 1,
  INDEX received_range received_at TYPE minmax GRANULARITY 1,
  INDEX stored_range stored_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(ts)
ORDER BY (tenant_id, device_id, ts)
SETTINGS non_replicated_deduplication_window = 1000, index_granularity = 8192;
