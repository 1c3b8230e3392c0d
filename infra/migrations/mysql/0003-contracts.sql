-- Contracts with their promises and tariffs; tickets know theirs.
CREATE TABLE `Contract` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `number` VARCHAR(40) NOT NULL,
  `name` VARCHAR(200) NOT NULL,
  `customerId` VARCHAR(64) NOT NULL,
  `kind` VARCHAR(32) NOT NULL,
  `status` VARCHAR(16) NOT NULL,
  `validFrom` VARCHAR(10) NOT NULL,
  `validTo` VARCHAR(10) NULL,
  `siteIds` JSON NULL,
  `slaFirstResponseH` DOUBLE NULL,
  `slaSolutionH` DOUBLE NULL,
  `slaHours` VARCHAR(16) NULL,
  `guaranteeKind` VARCHAR(24) NULL,
  `guaranteeValue` DOUBLE NULL,
  `tariffPerKwh` VARCHAR(20) NULL,
  `tariffCurrency` VARCHAR(3) NULL,
  `notes` TEXT NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `Contract_tenantId_number_key` ON `Contract` (`tenantId`, `number`);
CREATE INDEX `Contract_customerId_idx` ON `Contract` (`customerId`);
ALTER TABLE `Ticket` ADD COLUMN `contractId` VARCHAR(64) NULL;
ALTER TABLE `Ticket` ADD COLUMN `firstRespondedAt` DATETIME(3) NULL;
ALTER TABLE `Contract` ADD CONSTRAINT `Contract_customer_fkey` FOREIGN KEY (`customerId`) REFERENCES `Customer` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE `Ticket` ADD CONSTRAINT `Ticket_contract_fkey` FOREIGN KEY (`contractId`) REFERENCES `Contract` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
CREATE INDEX `Ticket_contractId_idx` ON `Ticket` (`contractId`);
