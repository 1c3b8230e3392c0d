-- Incidents: alarms of several sites with one cause.
CREATE TABLE `Incident` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `cause` VARCHAR(16) NOT NULL,
  `type` VARCHAR(64) NOT NULL,
  `severity` VARCHAR(16) NOT NULL,
  `startedAt` DATETIME(3) NOT NULL,
  `clearedAt` DATETIME(3) NULL,
  `ticketId` VARCHAR(64) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE TABLE `IncidentSite` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `incidentId` VARCHAR(64) NOT NULL,
  `siteId` VARCHAR(64) NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `Incident_tenantId_startedAt_idx` ON `Incident` (`tenantId`, `startedAt`);
CREATE INDEX `Incident_ticketId_idx` ON `Incident` (`ticketId`);
CREATE UNIQUE INDEX `IncidentSite_incidentId_siteId_key` ON `IncidentSite` (`incidentId`, `siteId`);
CREATE INDEX `IncidentSite_siteId_idx` ON `IncidentSite` (`siteId`);
CREATE INDEX `IncidentSite_tenantId_idx` ON `IncidentSite` (`tenantId`);
CREATE INDEX `Alarm_incidentId_idx` ON `Alarm` (`incidentId`);
ALTER TABLE `Incident` ADD CONSTRAINT `Incident_ticket_fkey` FOREIGN KEY (`ticketId`) REFERENCES `Ticket` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `IncidentSite` ADD CONSTRAINT `IncidentSite_incident_fkey` FOREIGN KEY (`incidentId`) REFERENCES `Incident` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `IncidentSite` ADD CONSTRAINT `IncidentSite_site_fkey` FOREIGN KEY (`siteId`) REFERENCES `Site` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
