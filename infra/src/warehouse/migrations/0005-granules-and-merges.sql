-- What is asked of these tables most is the last hour of many devices or sites, each of which begins in another granule: of eight
-- thousand rows a granule nearly all are read for nothing. And a base of 5 lets a partition of some megabytes be merged as a whole
-- with every few rows that come; with 10 the few are merged with each other.
-- Parts are handed over as they are and take the new granules when they are merged. Said twice after an end half way it loses
-- nothing: the worst that is left is the old size.
CREATE TABLE readings_fine AS readings
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(ts)
ORDER BY (tenant_id, device_id, ts)
SETTINGS non_replicated_deduplication_window = 1000, index_granularity = 1024, merge_selector_base = 10;
ALTER TABLE readings_fine ATTACH PARTITION ALL FROM readings;
EXCHANGE TABLES readings AND readings_fine;
DROP TABLE readings_fine SYNC;

CREATE TABLE rollup_device_5m_fine AS rollup_device_5m
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(ts)
ORDER BY (tenant_id, device_id, ts)
SETTINGS non_replicated_deduplication_window = 1000, index_granularity = 1024, merge_selector_base = 10;
ALTER TABLE rollup_device_5m_fine ATTACH PARTITION ALL FROM rollup_device_5m;
EXCHANGE TABLES rollup_device_5m AND rollup_device_5m_fine;
DROP TABLE rollup_device_5m_fine SYNC;

CREATE TABLE rollup_site_5m_fine AS rollup_site_5m
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(ts)
ORDER BY (tenant_id, site_id, ts)
SETTINGS non_replicated_deduplication_window = 1000, index_granularity = 1024, merge_selector_base = 10;
ALTER TABLE rollup_site_5m_fine ATTACH PARTITION ALL FROM rollup_site_5m;
EXCHANGE TABLES rollup_site_5m AND rollup_site_5m_fine;
DROP TABLE rollup_site_5m_fine SYNC;

CREATE TABLE expected_site_5m_fine AS expected_site_5m
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(ts)
ORDER BY (tenant_id, site_id, ts)
SETTINGS non_replicated_deduplication_window = 1000, index_granularity = 1024, merge_selector_base = 10;
ALTER TABLE expected_site_5m_fine ATTACH PARTITION ALL FROM expected_site_5m;
EXCHANGE TABLES expected_site_5m AND expected_site_5m_fine;
DROP TABLE expected_site_5m_fine SYNC;

ALTER TABLE rollup_device_1h MODIFY SETTING merge_selector_base = 10;
ALTER TABLE rollup_device_1d MODIFY SETTING merge_selector_base = 10;
ALTER TABLE rollup_device_1mo MODIFY SETTING merge_selector_base = 10;
ALTER TABLE rollup_site_1h MODIFY SETTING merge_selector_base = 10;
ALTER TABLE rollup_site_1d MODIFY SETTING merge_selector_base = 10;
ALTER TABLE rollup_site_1mo MODIFY SETTING merge_selector_base = 10;
ALTER TABLE expected_site_1d MODIFY SETTING merge_selector_base = 10;
