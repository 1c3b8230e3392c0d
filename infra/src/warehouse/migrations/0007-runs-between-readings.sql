-- So many five minutes a row of a device tells of: of what is long past, those between two readings, each with the same share of the
-- row's energies, are one row. A run has no readings and no gauges, and lies within an hour (UTC), a local day and a site.
ALTER TABLE rollup_device_5m ADD COLUMN run UInt8 DEFAULT 1 AFTER slots;
