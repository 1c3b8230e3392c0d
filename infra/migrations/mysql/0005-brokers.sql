-- Connections to a tenant's own MQTT broker.
ALTER TABLE `Connection` ADD COLUMN `broker` JSON NULL;
