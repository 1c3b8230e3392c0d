-- Tags on sites, and views that people saved.
ALTER TABLE `Site` ADD COLUMN `tags` JSON NULL;
CREATE TABLE `SavedView` (
  `id` VARCHAR(64) NOT NULL,
  `tenantId` VARCHAR(64) NOT NULL,
  `userId` VARCHAR(64) NOT NULL,
  `name` VARCHAR(100) NOT NULL,
  `address` VARCHAR(2000) NOT NULL,
  `version` INTEGER NOT NULL,
  `createdAt` DATETIME(3) NOT NULL,
  `updatedAt` DATETIME(3) NOT NULL,
  PRIMARY KEY (`id`)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE UNIQUE INDEX `SavedView_userId_name_key` ON `SavedView` (`userId`, `name`);
CREATE INDEX `SavedView_tenantId_idx` ON `SavedView` (`tenantId`);
ALTER TABLE `SavedView` ADD CONSTRAINT `SavedView_user_fkey` FOREIGN KEY (`userId`) REFERENCES `User` (`id`) ON DELETE NO ACTION ON UPDATE NO ACTION;
