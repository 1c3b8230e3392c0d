-- Times of a table go up by the same step, row after row of a device: by the change of the step they take next to nothing, where
-- they were a sixth of what such a table takes on disk. Parts take it when they are written or merged.
ALTER TABLE readings MODIFY COLUMN ts CODEC(DoubleDelta, LZ4);
ALTER TABLE rollup_device_5m MODIFY COLUMN ts CODEC(DoubleDelta, LZ4);
ALTER TABLE rollup_site_5m MODIFY COLUMN ts CODEC(DoubleDelta, LZ4);
ALTER TABLE expected_site_5m MODIFY COLUMN ts CODEC(DoubleDelta, LZ4);
ALTER TABLE rollup_device_1h MODIFY COLUMN ts CODEC(DoubleDelta, LZ4);
ALTER TABLE rollup_site_1h MODIFY COLUMN ts CODEC(DoubleDelta, LZ4);
