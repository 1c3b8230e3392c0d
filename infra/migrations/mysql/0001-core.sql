-- The first tables. Forward only: a later change is a new file.
CREATE TABLE `Tenant` (
  `id` VARCHAR(64) NOT NULL,
  `name` VARCHAR(200) NOT NULL,
  `status` VARCHAR(16) NOT NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE TABLE `OrgUnit` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `parentId` VARCHAR(64) NULL,
  `name` VARCHAR(200) NOT NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `OrgUnit_tenantId_idx` ON `OrgUnit` (`tenantId`);
CREATE INDEX `OrgUnit_parentId_idx` ON `OrgUnit` (`parentId`);
CREATE TABLE `OrgUnitClosure` (
  `ancestorId` VARCHAR(64) NOT NULL,
  `descendantId` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `depth` INTEGER NOT NULL,
  PRIMARY KEY (`ancestorId`, `descendantId`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `OrgUnitClosure_descendantId_idx` ON `OrgUnitClosure` (`descendantId`);
CREATE INDEX `OrgUnitClosure_tenantId_idx` ON `OrgUnitClosure` (`tenantId`);
CREATE TABLE `User` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `email` VARCHAR(254) NOT NULL,
  `name` VARCHAR(200) NOT NULL,
  `phone` VARCHAR(30) NULL,
  `status` VARCHAR(16) NOT NULL,
  `passwordHash` VARCHAR(255) NULL,
  `passwordChangedAt` DATETIME(3) NULL,
  `lastLoginAt` DATETIME(3) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `User_email_key` ON `User` (`email`);
CREATE INDEX `User_tenantId_name_idx` ON `User` (`tenantId`, `name`);
CREATE TABLE `Role` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `name` VARCHAR(200) NOT NULL,
  `permissions` JSON NOT NULL,
  `builtIn` BOOLEAN NOT NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `Role_tenantId_name_key` ON `Role` (`tenantId`, `name`);
CREATE TABLE `RoleAssignment` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `userId` VARCHAR(64) NOT NULL,
  `roleId` VARCHAR(64) NOT NULL,
  `orgUnitId` VARCHAR(64) NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `RoleAssignment_userId_roleId_orgUnitId_key` ON `RoleAssignment` (`userId`, `roleId`, `orgUnitId`);
CREATE INDEX `RoleAssignment_tenantId_idx` ON `RoleAssignment` (`tenantId`);
CREATE INDEX `RoleAssignment_roleId_idx` ON `RoleAssignment` (`roleId`);
CREATE INDEX `RoleAssignment_orgUnitId_idx` ON `RoleAssignment` (`orgUnitId`);
CREATE TABLE `UserCustomer` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `userId` VARCHAR(64) NOT NULL,
  `customerId` VARCHAR(64) NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `UserCustomer_userId_customerId_key` ON `UserCustomer` (`userId`, `customerId`);
CREATE INDEX `UserCustomer_tenantId_idx` ON `UserCustomer` (`tenantId`);
CREATE INDEX `UserCustomer_customerId_idx` ON `UserCustomer` (`customerId`);
CREATE TABLE `Session` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `userId` VARCHAR(64) NOT NULL,
  `tokenHash` VARCHAR(64) NOT NULL,
  `address` VARCHAR(64) NULL,
  `userAgent` VARCHAR(300) NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `lastSeenAt` DATETIME(3) NOT NULL,
  `expiresAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `Session_tokenHash_key` ON `Session` (`tokenHash`);
CREATE INDEX `Session_userId_idx` ON `Session` (`userId`);
CREATE INDEX `Session_tenantId_idx` ON `Session` (`tenantId`);
CREATE INDEX `Session_expiresAt_idx` ON `Session` (`expiresAt`);
CREATE TABLE `PasswordReset` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `userId` VARCHAR(64) NOT NULL,
  `tokenHash` VARCHAR(64) NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `expiresAt` DATETIME(3) NOT NULL,
  `usedAt` DATETIME(3) NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `PasswordReset_tokenHash_key` ON `PasswordReset` (`tokenHash`);
CREATE INDEX `PasswordReset_userId_idx` ON `PasswordReset` (`userId`);
CREATE INDEX `PasswordReset_tenantId_idx` ON `PasswordReset` (`tenantId`);
CREATE TABLE `ApiKey` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `name` VARCHAR(200) NOT NULL,
  `hint` VARCHAR(20) NOT NULL,
  `tokenHash` VARCHAR(64) NOT NULL,
  `scopes` JSON NOT NULL,
  `connectionId` VARCHAR(64) NULL,
  `createdById` VARCHAR(64) NULL,
  `expiresAt` DATETIME(3) NULL,
  `revokedAt` DATETIME(3) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `ApiKey_tokenHash_key` ON `ApiKey` (`tokenHash`);
CREATE INDEX `ApiKey_tenantId_idx` ON `ApiKey` (`tenantId`);
CREATE INDEX `ApiKey_connectionId_idx` ON `ApiKey` (`connectionId`);
CREATE TABLE `Customer` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `orgUnitId` VARCHAR(64) NOT NULL,
  `name` VARCHAR(200) NOT NULL,
  `kind` VARCHAR(32) NOT NULL,
  `email` VARCHAR(254) NULL,
  `phone` VARCHAR(30) NULL,
  `address` JSON NULL,
  `notes` TEXT NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `Customer_tenantId_name_idx` ON `Customer` (`tenantId`, `name`);
CREATE INDEX `Customer_orgUnitId_idx` ON `Customer` (`orgUnitId`);
CREATE TABLE `Contact` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `customerId` VARCHAR(64) NOT NULL,
  `name` VARCHAR(200) NOT NULL,
  `position` VARCHAR(100) NULL,
  `email` VARCHAR(254) NULL,
  `phone` VARCHAR(30) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `Contact_tenantId_name_idx` ON `Contact` (`tenantId`, `name`);
CREATE INDEX `Contact_customerId_idx` ON `Contact` (`customerId`);
CREATE TABLE `Site` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `customerId` VARCHAR(64) NOT NULL,
  `orgUnitId` VARCHAR(64) NOT NULL,
  `name` VARCHAR(200) NOT NULL,
  `timezone` VARCHAR(64) NOT NULL,
  `latitude` DOUBLE NULL,
  `longitude` DOUBLE NULL,
  `address` JSON NULL,
  `peakPowerW` DOUBLE NULL,
  `acCapacityW` DOUBLE NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `Site_tenantId_name_idx` ON `Site` (`tenantId`, `name`);
CREATE INDEX `Site_customerId_idx` ON `Site` (`customerId`);
CREATE INDEX `Site_orgUnitId_idx` ON `Site` (`orgUnitId`);
CREATE TABLE `SiteArray` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `siteId` VARCHAR(64) NOT NULL,
  `name` VARCHAR(200) NOT NULL,
  `azimuthDeg` DOUBLE NOT NULL,
  `tiltDeg` DOUBLE NOT NULL,
  `peakPowerW` DOUBLE NOT NULL,
  `deviceId` VARCHAR(64) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `SiteArray_siteId_idx` ON `SiteArray` (`siteId`);
CREATE INDEX `SiteArray_tenantId_idx` ON `SiteArray` (`tenantId`);
CREATE INDEX `SiteArray_deviceId_idx` ON `SiteArray` (`deviceId`);
CREATE TABLE `Device` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `siteId` VARCHAR(64) NOT NULL,
  `parentId` VARCHAR(64) NULL,
  `parentSince` DATETIME(3) NULL,
  `kind` VARCHAR(32) NOT NULL,
  `role` VARCHAR(32) NOT NULL,
  `vendor` VARCHAR(64) NOT NULL,
  `serial` VARCHAR(200) NOT NULL,
  `name` VARCHAR(200) NOT NULL,
  `model` VARCHAR(200) NULL,
  `firmware` VARCHAR(200) NULL,
  `peakPowerW` DOUBLE NULL,
  `deliveryIntervalS` DOUBLE NULL,
  `warrantyUntil` VARCHAR(10) NULL,
  `replacedById` VARCHAR(64) NULL,
  `replacedAt` DATETIME(3) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `Device_tenantId_name_idx` ON `Device` (`tenantId`, `name`);
CREATE INDEX `Device_siteId_idx` ON `Device` (`siteId`);
CREATE INDEX `Device_parentId_idx` ON `Device` (`parentId`);
CREATE INDEX `Device_replacedById_idx` ON `Device` (`replacedById`);
CREATE INDEX `Device_tenantId_serial_idx` ON `Device` (`tenantId`, `serial`);
CREATE TABLE `DeviceLink` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `deviceId` VARCHAR(64) NOT NULL,
  `connectionId` VARCHAR(64) NOT NULL,
  `externalId` VARCHAR(200) NOT NULL,
  `validFrom` DATETIME(3) NOT NULL,
  `validTo` DATETIME(3) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `DeviceLink_connectionId_externalId_validFrom_key` ON `DeviceLink` (`connectionId`, `externalId`, `validFrom`);
CREATE INDEX `DeviceLink_deviceId_idx` ON `DeviceLink` (`deviceId`);
CREATE INDEX `DeviceLink_tenantId_idx` ON `DeviceLink` (`tenantId`);
CREATE TABLE `DeviceRole` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `deviceId` VARCHAR(64) NOT NULL,
  `role` VARCHAR(32) NOT NULL,
  `validFrom` DATETIME(3) NOT NULL,
  `validTo` DATETIME(3) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `DeviceRole_deviceId_validFrom_key` ON `DeviceRole` (`deviceId`, `validFrom`);
CREATE INDEX `DeviceRole_tenantId_idx` ON `DeviceRole` (`tenantId`);
CREATE TABLE `DeviceSite` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `deviceId` VARCHAR(64) NOT NULL,
  `siteId` VARCHAR(64) NOT NULL,
  `validFrom` DATETIME(3) NOT NULL,
  `validTo` DATETIME(3) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `DeviceSite_deviceId_validFrom_key` ON `DeviceSite` (`deviceId`, `validFrom`);
CREATE INDEX `DeviceSite_siteId_idx` ON `DeviceSite` (`siteId`);
CREATE INDEX `DeviceSite_tenantId_idx` ON `DeviceSite` (`tenantId`);
CREATE TABLE `Connection` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `name` VARCHAR(200) NOT NULL,
  `transport` VARCHAR(16) NOT NULL,
  `vendor` VARCHAR(64) NOT NULL,
  `siteId` VARCHAR(64) NULL,
  `enabled` BOOLEAN NOT NULL,
  `username` VARCHAR(64) NOT NULL,
  `scheme` VARCHAR(32) NULL,
  `headerName` VARCHAR(64) NULL,
  `lastSeenAt` DATETIME(3) NULL,
  `revokedAt` DATETIME(3) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `Connection_username_key` ON `Connection` (`username`);
CREATE INDEX `Connection_tenantId_name_idx` ON `Connection` (`tenantId`, `name`);
CREATE INDEX `Connection_siteId_idx` ON `Connection` (`siteId`);
CREATE TABLE `Credential` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `connectionId` VARCHAR(64) NOT NULL,
  `secretHash` VARCHAR(64) NULL,
  `secretCipher` TEXT NULL,
  `validFrom` DATETIME(3) NOT NULL,
  `validTo` DATETIME(3) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `Credential_connectionId_idx` ON `Credential` (`connectionId`);
CREATE INDEX `Credential_tenantId_idx` ON `Credential` (`tenantId`);
CREATE TABLE `Unclaimed` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `connectionId` VARCHAR(64) NOT NULL,
  `vendor` VARCHAR(64) NOT NULL,
  `externalId` VARCHAR(200) NOT NULL,
  `serial` VARCHAR(200) NULL,
  `firstSeenAt` DATETIME(3) NOT NULL,
  `lastSeenAt` DATETIME(3) NOT NULL,
  `messages` BIGINT NOT NULL,
  `sample` JSON NOT NULL,
  `attributes` JSON NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `Unclaimed_connectionId_externalId_key` ON `Unclaimed` (`connectionId`, `externalId`);
CREATE INDEX `Unclaimed_tenantId_lastSeenAt_idx` ON `Unclaimed` (`tenantId`, `lastSeenAt`);
CREATE TABLE `Replay` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `revision` BIGINT NOT NULL,
  `kind` VARCHAR(16) NOT NULL,
  `state` VARCHAR(16) NOT NULL,
  `connectionId` VARCHAR(64) NULL,
  `deviceId` VARCHAR(64) NULL,
  `externalId` VARCHAR(200) NULL,
  `rangeFrom` DATETIME(3) NULL,
  `rangeTo` DATETIME(3) NULL,
  `messagePartition` INTEGER NULL,
  `messageOffset` BIGINT NULL,
  `done` BIGINT NOT NULL,
  `total` BIGINT NOT NULL,
  `error` VARCHAR(1000) NULL,
  `requestedById` VARCHAR(64) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `Replay_revision_key` ON `Replay` (`revision`);
CREATE INDEX `Replay_tenantId_createdAt_idx` ON `Replay` (`tenantId`, `createdAt`);
CREATE TABLE `Alarm` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `siteId` VARCHAR(64) NOT NULL,
  `deviceId` VARCHAR(64) NULL,
  `type` VARCHAR(64) NOT NULL,
  `severity` VARCHAR(16) NOT NULL,
  `message` VARCHAR(1000) NOT NULL,
  `details` JSON NULL,
  `raisedAt` DATETIME(3) NOT NULL,
  `clearedAt` DATETIME(3) NULL,
  `acknowledgedAt` DATETIME(3) NULL,
  `acknowledgedById` VARCHAR(64) NULL,
  `mutedUntil` DATETIME(3) NULL,
  `muteReason` VARCHAR(500) NULL,
  `historic` BOOLEAN NOT NULL,
  `incidentId` VARCHAR(64) NULL,
  `ticketId` VARCHAR(64) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `Alarm_tenantId_raisedAt_idx` ON `Alarm` (`tenantId`, `raisedAt`);
CREATE INDEX `Alarm_siteId_raisedAt_idx` ON `Alarm` (`siteId`, `raisedAt`);
CREATE INDEX `Alarm_deviceId_idx` ON `Alarm` (`deviceId`);
CREATE INDEX `Alarm_ticketId_idx` ON `Alarm` (`ticketId`);
CREATE TABLE `Ticket` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `number` INTEGER NOT NULL,
  `subject` VARCHAR(200) NOT NULL,
  `description` TEXT NULL,
  `status` VARCHAR(16) NOT NULL,
  `priority` VARCHAR(16) NOT NULL,
  `customerId` VARCHAR(64) NULL,
  `siteId` VARCHAR(64) NULL,
  `assigneeId` VARCHAR(64) NULL,
  `cause` VARCHAR(200) NULL,
  `openCause` VARCHAR(200) NULL,
  `lossWh` DOUBLE NULL,
  `lossAmount` BIGINT NULL,
  `lossCurrency` VARCHAR(3) NULL,
  `firstResponseDueAt` DATETIME(3) NULL,
  `nextUpdateDueAt` DATETIME(3) NULL,
  `solutionDueAt` DATETIME(3) NULL,
  `pausedSince` DATETIME(3) NULL,
  `breached` BOOLEAN NOT NULL,
  `resolvedAt` DATETIME(3) NULL,
  `closedAt` DATETIME(3) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `Ticket_tenantId_number_key` ON `Ticket` (`tenantId`, `number`);
CREATE UNIQUE INDEX `Ticket_tenantId_openCause_key` ON `Ticket` (`tenantId`, `openCause`);
CREATE INDEX `Ticket_tenantId_createdAt_idx` ON `Ticket` (`tenantId`, `createdAt`);
CREATE INDEX `Ticket_customerId_idx` ON `Ticket` (`customerId`);
CREATE INDEX `Ticket_siteId_idx` ON `Ticket` (`siteId`);
CREATE INDEX `Ticket_assigneeId_idx` ON `Ticket` (`assigneeId`);
CREATE TABLE `TicketEntry` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `ticketId` VARCHAR(64) NOT NULL,
  `kind` VARCHAR(16) NOT NULL,
  `isPublic` BOOLEAN NOT NULL,
  `authorId` VARCHAR(64) NULL,
  `text` TEXT NOT NULL,
  `data` JSON NULL,
  `createdAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `TicketEntry_ticketId_createdAt_idx` ON `TicketEntry` (`ticketId`, `createdAt`);
CREATE INDEX `TicketEntry_tenantId_idx` ON `TicketEntry` (`tenantId`);
CREATE TABLE `Subscription` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `userId` VARCHAR(64) NOT NULL,
  `customerId` VARCHAR(64) NULL,
  `siteId` VARCHAR(64) NULL,
  `orgUnitId` VARCHAR(64) NULL,
  `minSeverity` VARCHAR(16) NOT NULL,
  `channels` JSON NOT NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `Subscription_tenantId_idx` ON `Subscription` (`tenantId`);
CREATE INDEX `Subscription_userId_idx` ON `Subscription` (`userId`);
CREATE INDEX `Subscription_customerId_idx` ON `Subscription` (`customerId`);
CREATE INDEX `Subscription_siteId_idx` ON `Subscription` (`siteId`);
CREATE INDEX `Subscription_orgUnitId_idx` ON `Subscription` (`orgUnitId`);
CREATE TABLE `Notification` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `channel` VARCHAR(16) NOT NULL,
  `recipient` VARCHAR(254) NOT NULL,
  `subject` VARCHAR(300) NULL,
  `text` TEXT NOT NULL,
  `state` VARCHAR(16) NOT NULL,
  `attempts` INTEGER NOT NULL,
  `nextAttemptAt` DATETIME(3) NULL,
  `sentAt` DATETIME(3) NULL,
  `providerId` VARCHAR(200) NULL,
  `error` VARCHAR(500) NULL,
  `dedupeKey` VARCHAR(200) NOT NULL,
  `confidential` BOOLEAN NOT NULL,
  `userId` VARCHAR(64) NULL,
  `ticketId` VARCHAR(64) NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `Notification_dedupeKey_key` ON `Notification` (`dedupeKey`);
CREATE INDEX `Notification_tenantId_createdAt_idx` ON `Notification` (`tenantId`, `createdAt`);
CREATE INDEX `Notification_state_nextAttemptAt_idx` ON `Notification` (`state`, `nextAttemptAt`);
CREATE INDEX `Notification_ticketId_idx` ON `Notification` (`ticketId`);
CREATE TABLE `Audit` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `seq` BIGINT NOT NULL,
  `at` DATETIME(3) NOT NULL,
  `actorKind` VARCHAR(16) NOT NULL,
  `actorId` VARCHAR(64) NULL,
  `action` VARCHAR(64) NOT NULL,
  `resource` VARCHAR(64) NOT NULL,
  `resourceId` VARCHAR(140) NULL,
  `details` LONGTEXT NULL,
  `salt` VARCHAR(64) NULL,
  `digest` VARCHAR(64) NOT NULL,
  `prevHash` VARCHAR(64) NOT NULL,
  `hash` VARCHAR(64) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `Audit_tenantId_seq_key` ON `Audit` (`tenantId`, `seq`);
CREATE INDEX `Audit_tenantId_resource_resourceId_idx` ON `Audit` (`tenantId`, `resource`, `resourceId`);
CREATE INDEX `Audit_tenantId_at_idx` ON `Audit` (`tenantId`, `at`);
CREATE TABLE `Outbox` (
  `version` BIGINT NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `type` VARCHAR(64) NOT NULL,
  `payload` LONGTEXT NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `publishedAt` DATETIME(3) NULL,
  PRIMARY KEY (`version`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `Outbox_publishedAt_version_idx` ON `Outbox` (`publishedAt`, `version`);
CREATE TABLE `ConsumerOffset` (
  `topic` VARCHAR(64) NOT NULL,
  `consumer` VARCHAR(64) NOT NULL,
  `partition` INTEGER NOT NULL,
  `offset` BIGINT NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`topic`, `consumer`, `partition`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE TABLE `IdempotencyKey` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `requestHash` VARCHAR(64) NOT NULL,
  `status` INTEGER NOT NULL,
  `response` LONGTEXT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `expiresAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE INDEX `IdempotencyKey_expiresAt_idx` ON `IdempotencyKey` (`expiresAt`);
CREATE INDEX `IdempotencyKey_tenantId_idx` ON `IdempotencyKey` (`tenantId`);
CREATE TABLE `Lease` (
  `name` VARCHAR(64) NOT NULL,
  `holder` VARCHAR(64) NOT NULL,
  `token` BIGINT NOT NULL,
  `expiresAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`name`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE TABLE `Setting` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `name` VARCHAR(100) NOT NULL,
  `value` JSON NOT NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `Setting_tenantId_name_key` ON `Setting` (`tenantId`, `name`);
CREATE TABLE `Sequence` (
  `name` VARCHAR(100) NOT NULL,
  `value` BIGINT NOT NULL,
  PRIMARY KEY (`name`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
ALTER TABLE `OrgUnit` ADD CONSTRAINT `OrgUnit_parent_fkey` FOREIGN KEY (`parentId`) REFERENCES `OrgUnit` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `OrgUnitClosure` ADD CONSTRAINT `OrgUnitClosure_ancestor_fkey` FOREIGN KEY (`ancestorId`) REFERENCES `OrgUnit` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `OrgUnitClosure` ADD CONSTRAINT `OrgUnitClosure_descendant_fkey` FOREIGN KEY (`descendantId`) REFERENCES `OrgUnit` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `RoleAssignment` ADD CONSTRAINT `RoleAssignment_user_fkey` FOREIGN KEY (`userId`) REFERENCES `User` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `RoleAssignment` ADD CONSTRAINT `RoleAssignment_role_fkey` FOREIGN KEY (`roleId`) REFERENCES `Role` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `RoleAssignment` ADD CONSTRAINT `RoleAssignment_orgUnit_fkey` FOREIGN KEY (`orgUnitId`) REFERENCES `OrgUnit` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `UserCustomer` ADD CONSTRAINT `UserCustomer_user_fkey` FOREIGN KEY (`userId`) REFERENCES `User` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `UserCustomer` ADD CONSTRAINT `UserCustomer_customer_fkey` FOREIGN KEY (`customerId`) REFERENCES `Customer` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Session` ADD CONSTRAINT `Session_user_fkey` FOREIGN KEY (`userId`) REFERENCES `User` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `PasswordReset` ADD CONSTRAINT `PasswordReset_user_fkey` FOREIGN KEY (`userId`) REFERENCES `User` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `ApiKey` ADD CONSTRAINT `ApiKey_connection_fkey` FOREIGN KEY (`connectionId`) REFERENCES `Connection` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Customer` ADD CONSTRAINT `Customer_orgUnit_fkey` FOREIGN KEY (`orgUnitId`) REFERENCES `OrgUnit` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Contact` ADD CONSTRAINT `Contact_customer_fkey` FOREIGN KEY (`customerId`) REFERENCES `Customer` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Site` ADD CONSTRAINT `Site_customer_fkey` FOREIGN KEY (`customerId`) REFERENCES `Customer` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Site` ADD CONSTRAINT `Site_orgUnit_fkey` FOREIGN KEY (`orgUnitId`) REFERENCES `OrgUnit` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `SiteArray` ADD CONSTRAINT `SiteArray_site_fkey` FOREIGN KEY (`siteId`) REFERENCES `Site` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `SiteArray` ADD CONSTRAINT `SiteArray_device_fkey` FOREIGN KEY (`deviceId`) REFERENCES `Device` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Device` ADD CONSTRAINT `Device_site_fkey` FOREIGN KEY (`siteId`) REFERENCES `Site` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Device` ADD CONSTRAINT `Device_parent_fkey` FOREIGN KEY (`parentId`) REFERENCES `Device` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Device` ADD CONSTRAINT `Device_replacedBy_fkey` FOREIGN KEY (`replacedById`) REFERENCES `Device` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `DeviceLink` ADD CONSTRAINT `DeviceLink_device_fkey` FOREIGN KEY (`deviceId`) REFERENCES `Device` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `DeviceLink` ADD CONSTRAINT `DeviceLink_connection_fkey` FOREIGN KEY (`connectionId`) REFERENCES `Connection` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `DeviceRole` ADD CONSTRAINT `DeviceRole_device_fkey` FOREIGN KEY (`deviceId`) REFERENCES `Device` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `DeviceSite` ADD CONSTRAINT `DeviceSite_device_fkey` FOREIGN KEY (`deviceId`) REFERENCES `Device` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `DeviceSite` ADD CONSTRAINT `DeviceSite_site_fkey` FOREIGN KEY (`siteId`) REFERENCES `Site` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Connection` ADD CONSTRAINT `Connection_site_fkey` FOREIGN KEY (`siteId`) REFERENCES `Site` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Credential` ADD CONSTRAINT `Credential_connection_fkey` FOREIGN KEY (`connectionId`) REFERENCES `Connection` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Unclaimed` ADD CONSTRAINT `Unclaimed_connection_fkey` FOREIGN KEY (`connectionId`) REFERENCES `Connection` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Alarm` ADD CONSTRAINT `Alarm_site_fkey` FOREIGN KEY (`siteId`) REFERENCES `Site` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Alarm` ADD CONSTRAINT `Alarm_device_fkey` FOREIGN KEY (`deviceId`) REFERENCES `Device` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Alarm` ADD CONSTRAINT `Alarm_ticket_fkey` FOREIGN KEY (`ticketId`) REFERENCES `Ticket` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Ticket` ADD CONSTRAINT `Ticket_customer_fkey` FOREIGN KEY (`customerId`) REFERENCES `Customer` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Ticket` ADD CONSTRAINT `Ticket_site_fkey` FOREIGN KEY (`siteId`) REFERENCES `Site` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Ticket` ADD CONSTRAINT `Ticket_assignee_fkey` FOREIGN KEY (`assigneeId`) REFERENCES `User` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `TicketEntry` ADD CONSTRAINT `TicketEntry_ticket_fkey` FOREIGN KEY (`ticketId`) REFERENCES `Ticket` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Subscription` ADD CONSTRAINT `Subscription_user_fkey` FOREIGN KEY (`userId`) REFERENCES `User` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Subscription` ADD CONSTRAINT `Subscription_customer_fkey` FOREIGN KEY (`customerId`) REFERENCES `Customer` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Subscription` ADD CONSTRAINT `Subscription_site_fkey` FOREIGN KEY (`siteId`) REFERENCES `Site` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Subscription` ADD CONSTRAINT `Subscription_orgUnit_fkey` FOREIGN KEY (`orgUnitId`) REFERENCES `OrgUnit` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Notification` ADD CONSTRAINT `Notification_ticket_fkey` FOREIGN KEY (`ticketId`) REFERENCES `Ticket` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
