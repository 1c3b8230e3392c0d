-- The first tables. Forward only: a later change is a new file.
CREATE TABLE "Tenant" (
  "id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "status" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id")
);
CREATE TABLE "OrgUnit" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "parentId" TEXT NULL,
  "name" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "OrgUnit_parent_fkey" FOREIGN KEY ("parentId") REFERENCES "OrgUnit" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "OrgUnit_tenantId_idx" ON "OrgUnit" ("tenantId");
CREATE INDEX "OrgUnit_parentId_idx" ON "OrgUnit" ("parentId");
CREATE TABLE "OrgUnitClosure" (
  "ancestorId" TEXT NOT NULL,
  "descendantId" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "depth" INTEGER NOT NULL,
  PRIMARY KEY ("ancestorId", "descendantId"),
  CONSTRAINT "OrgUnitClosure_ancestor_fkey" FOREIGN KEY ("ancestorId") REFERENCES "OrgUnit" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "OrgUnitClosure_descendant_fkey" FOREIGN KEY ("descendantId") REFERENCES "OrgUnit" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "OrgUnitClosure_descendantId_idx" ON "OrgUnitClosure" ("descendantId");
CREATE INDEX "OrgUnitClosure_tenantId_idx" ON "OrgUnitClosure" ("tenantId");
CREATE TABLE "User" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "email" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "phone" TEXT NULL,
  "status" TEXT NOT NULL,
  "passwordHash" TEXT NULL,
  "passwordChangedAt" DATETIME NULL,
  "lastLoginAt" DATETIME NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "User_email_key" ON "User" ("email");
CREATE INDEX "User_tenantId_name_idx" ON "User" ("tenantId", "name");
CREATE TABLE "Role" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "permissions" JSONB NOT NULL,
  "builtIn" BOOLEAN NOT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "Role_tenantId_name_key" ON "Role" ("tenantId", "name");
CREATE TABLE "RoleAssignment" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "userId" TEXT NOT NULL,
  "roleId" TEXT NOT NULL,
  "orgUnitId" TEXT NOT NULL,
  "createdAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "RoleAssignment_user_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "RoleAssignment_role_fkey" FOREIGN KEY ("roleId") REFERENCES "Role" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "RoleAssignment_orgUnit_fkey" FOREIGN KEY ("orgUnitId") REFERENCES "OrgUnit" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "RoleAssignment_userId_roleId_orgUnitId_key" ON "RoleAssignment" ("userId", "roleId", "orgUnitId");
CREATE INDEX "RoleAssignment_tenantId_idx" ON "RoleAssignment" ("tenantId");
CREATE INDEX "RoleAssignment_roleId_idx" ON "RoleAssignment" ("roleId");
CREATE INDEX "RoleAssignment_orgUnitId_idx" ON "RoleAssignment" ("orgUnitId");
CREATE TABLE "UserCustomer" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "userId" TEXT NOT NULL,
  "customerId" TEXT NOT NULL,
  "createdAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "UserCustomer_user_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "UserCustomer_customer_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "UserCustomer_userId_customerId_key" ON "UserCustomer" ("userId", "customerId");
CREATE INDEX "UserCustomer_tenantId_idx" ON "UserCustomer" ("tenantId");
CREATE INDEX "UserCustomer_customerId_idx" ON "UserCustomer" ("customerId");
CREATE TABLE "Session" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "userId" TEXT NOT NULL,
  "tokenHash" TEXT NOT NULL,
  "address" TEXT NULL,
  "userAgent" TEXT NULL,
  "createdAt" DATETIME NOT NULL,
  "lastSeenAt" DATETIME NOT NULL,
  "expiresAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Session_user_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "Session_tokenHash_key" ON "Session" ("tokenHash");
CREATE INDEX "Session_userId_idx" ON "Session" ("userId");
CREATE INDEX "Session_tenantId_idx" ON "Session" ("tenantId");
CREATE INDEX "Session_expiresAt_idx" ON "Session" ("expiresAt");
CREATE TABLE "PasswordReset" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "userId" TEXT NOT NULL,
  "tokenHash" TEXT NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "expiresAt" DATETIME NOT NULL,
  "usedAt" DATETIME NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "PasswordReset_user_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "PasswordReset_tokenHash_key" ON "PasswordReset" ("tokenHash");
CREATE INDEX "PasswordReset_userId_idx" ON "PasswordReset" ("userId");
CREATE INDEX "PasswordReset_tenantId_idx" ON "PasswordReset" ("tenantId");
CREATE TABLE "ApiKey" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "hint" TEXT NOT NULL,
  "tokenHash" TEXT NOT NULL,
  "scopes" JSONB NOT NULL,
  "connectionId" TEXT NULL,
  "createdById" TEXT NULL,
  "expiresAt" DATETIME NULL,
  "revokedAt" DATETIME NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "ApiKey_connection_fkey" FOREIGN KEY ("connectionId") REFERENCES "Connection" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "ApiKey_tokenHash_key" ON "ApiKey" ("tokenHash");
CREATE INDEX "ApiKey_tenantId_idx" ON "ApiKey" ("tenantId");
CREATE INDEX "ApiKey_connectionId_idx" ON "ApiKey" ("connectionId");
CREATE TABLE "Customer" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "orgUnitId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "email" TEXT NULL,
  "phone" TEXT NULL,
  "address" JSONB NULL,
  "notes" TEXT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Customer_orgUnit_fkey" FOREIGN KEY ("orgUnitId") REFERENCES "OrgUnit" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "Customer_tenantId_name_idx" ON "Customer" ("tenantId", "name");
CREATE INDEX "Customer_orgUnitId_idx" ON "Customer" ("orgUnitId");
CREATE TABLE "Contact" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "customerId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "position" TEXT NULL,
  "email" TEXT NULL,
  "phone" TEXT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Contact_customer_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "Contact_tenantId_name_idx" ON "Contact" ("tenantId", "name");
CREATE INDEX "Contact_customerId_idx" ON "Contact" ("customerId");
CREATE TABLE "Site" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "customerId" TEXT NOT NULL,
  "orgUnitId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "timezone" TEXT NOT NULL,
  "latitude" REAL NULL,
  "longitude" REAL NULL,
  "address" JSONB NULL,
  "peakPowerW" REAL NULL,
  "acCapacityW" REAL NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Site_customer_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "Site_orgUnit_fkey" FOREIGN KEY ("orgUnitId") REFERENCES "OrgUnit" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "Site_tenantId_name_idx" ON "Site" ("tenantId", "name");
CREATE INDEX "Site_customerId_idx" ON "Site" ("customerId");
CREATE INDEX "Site_orgUnitId_idx" ON "Site" ("orgUnitId");
CREATE TABLE "SiteArray" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "siteId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "azimuthDeg" REAL NOT NULL,
  "tiltDeg" REAL NOT NULL,
  "peakPowerW" REAL NOT NULL,
  "deviceId" TEXT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "SiteArray_site_fkey" FOREIGN KEY ("siteId") REFERENCES "Site" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "SiteArray_device_fkey" FOREIGN KEY ("deviceId") REFERENCES "Device" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "SiteArray_siteId_idx" ON "SiteArray" ("siteId");
CREATE INDEX "SiteArray_tenantId_idx" ON "SiteArray" ("tenantId");
CREATE INDEX "SiteArray_deviceId_idx" ON "SiteArray" ("deviceId");
CREATE TABLE "Device" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "siteId" TEXT NOT NULL,
  "parentId" TEXT NULL,
  "parentSince" DATETIME NULL,
  "kind" TEXT NOT NULL,
  "role" TEXT NOT NULL,
  "vendor" TEXT NOT NULL,
  "serial" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "model" TEXT NULL,
  "firmware" TEXT NULL,
  "peakPowerW" REAL NULL,
  "deliveryIntervalS" REAL NULL,
  "warrantyUntil" TEXT NULL,
  "replacedById" TEXT NULL,
  "replacedAt" DATETIME NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Device_site_fkey" FOREIGN KEY ("siteId") REFERENCES "Site" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "Device_parent_fkey" FOREIGN KEY ("parentId") REFERENCES "Device" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "Device_replacedBy_fkey" FOREIGN KEY ("replacedById") REFERENCES "Device" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "Device_tenantId_name_idx" ON "Device" ("tenantId", "name");
CREATE INDEX "Device_siteId_idx" ON "Device" ("siteId");
CREATE INDEX "Device_parentId_idx" ON "Device" ("parentId");
CREATE INDEX "Device_replacedById_idx" ON "Device" ("replacedById");
CREATE INDEX "Device_tenantId_serial_idx" ON "Device" ("tenantId", "serial");
CREATE TABLE "DeviceLink" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "deviceId" TEXT NOT NULL,
  "connectionId" TEXT NOT NULL,
  "externalId" TEXT NOT NULL,
  "validFrom" DATETIME NOT NULL,
  "validTo" DATETIME NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "DeviceLink_device_fkey" FOREIGN KEY ("deviceId") REFERENCES "Device" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "DeviceLink_connection_fkey" FOREIGN KEY ("connectionId") REFERENCES "Connection" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "DeviceLink_connectionId_externalId_validFrom_key" ON "DeviceLink" ("connectionId", "externalId", "validFrom");
CREATE INDEX "DeviceLink_deviceId_idx" ON "DeviceLink" ("deviceId");
CREATE INDEX "DeviceLink_tenantId_idx" ON "DeviceLink" ("tenantId");
CREATE TABLE "DeviceRole" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "deviceId" TEXT NOT NULL,
  "role" TEXT NOT NULL,
  "validFrom" DATETIME NOT NULL,
  "validTo" DATETIME NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "DeviceRole_device_fkey" FOREIGN KEY ("deviceId") REFERENCES "Device" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "DeviceRole_deviceId_validFrom_key" ON "DeviceRole" ("deviceId", "validFrom");
CREATE INDEX "DeviceRole_tenantId_idx" ON "DeviceRole" ("tenantId");
CREATE TABLE "DeviceSite" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "deviceId" TEXT NOT NULL,
  "siteId" TEXT NOT NULL,
  "validFrom" DATETIME NOT NULL,
  "validTo" DATETIME NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "DeviceSite_device_fkey" FOREIGN KEY ("deviceId") REFERENCES "Device" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "DeviceSite_site_fkey" FOREIGN KEY ("siteId") REFERENCES "Site" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "DeviceSite_deviceId_validFrom_key" ON "DeviceSite" ("deviceId", "validFrom");
CREATE INDEX "DeviceSite_siteId_idx" ON "DeviceSite" ("siteId");
CREATE INDEX "DeviceSite_tenantId_idx" ON "DeviceSite" ("tenantId");
CREATE TABLE "Connection" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "transport" TEXT NOT NULL,
  "vendor" TEXT NOT NULL,
  "siteId" TEXT NULL,
  "enabled" BOOLEAN NOT NULL,
  "username" TEXT NOT NULL,
  "scheme" TEXT NULL,
  "headerName" TEXT NULL,
  "lastSeenAt" DATETIME NULL,
  "revokedAt" DATETIME NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Connection_site_fkey" FOREIGN KEY ("siteId") REFERENCES "Site" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "Connection_username_key" ON "Connection" ("username");
CREATE INDEX "Connection_tenantId_name_idx" ON "Connection" ("tenantId", "name");
CREATE INDEX "Connection_siteId_idx" ON "Connection" ("siteId");
CREATE TABLE "Credential" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "connectionId" TEXT NOT NULL,
  "secretHash" TEXT NULL,
  "secretCipher" TEXT NULL,
  "validFrom" DATETIME NOT NULL,
  "validTo" DATETIME NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Credential_connection_fkey" FOREIGN KEY ("connectionId") REFERENCES "Connection" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "Credential_connectionId_idx" ON "Credential" ("connectionId");
CREATE INDEX "Credential_tenantId_idx" ON "Credential" ("tenantId");
CREATE TABLE "Unclaimed" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "connectionId" TEXT NOT NULL,
  "vendor" TEXT NOT NULL,
  "externalId" TEXT NOT NULL,
  "serial" TEXT NULL,
  "firstSeenAt" DATETIME NOT NULL,
  "lastSeenAt" DATETIME NOT NULL,
  "messages" BIGINT NOT NULL,
  "sample" JSONB NOT NULL,
  "attributes" JSONB NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Unclaimed_connection_fkey" FOREIGN KEY ("connectionId") REFERENCES "Connection" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "Unclaimed_connectionId_externalId_key" ON "Unclaimed" ("connectionId", "externalId");
CREATE INDEX "Unclaimed_tenantId_lastSeenAt_idx" ON "Unclaimed" ("tenantId", "lastSeenAt");
CREATE TABLE "Replay" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "revision" BIGINT NOT NULL,
  "kind" TEXT NOT NULL,
  "state" TEXT NOT NULL,
  "connectionId" TEXT NULL,
  "deviceId" TEXT NULL,
  "externalId" TEXT NULL,
  "rangeFrom" DATETIME NULL,
  "rangeTo" DATETIME NULL,
  "messagePartition" INTEGER NULL,
  "messageOffset" BIGINT NULL,
  "done" BIGINT NOT NULL,
  "total" BIGINT NOT NULL,
  "error" TEXT NULL,
  "requestedById" TEXT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "Replay_revision_key" ON "Replay" ("revision");
CREATE INDEX "Replay_tenantId_createdAt_idx" ON "Replay" ("tenantId", "createdAt");
CREATE TABLE "Alarm" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "siteId" TEXT NOT NULL,
  "deviceId" TEXT NULL,
  "type" TEXT NOT NULL,
  "severity" TEXT NOT NULL,
  "message" TEXT NOT NULL,
  "details" JSONB NULL,
  "raisedAt" DATETIME NOT NULL,
  "clearedAt" DATETIME NULL,
  "acknowledgedAt" DATETIME NULL,
  "acknowledgedById" TEXT NULL,
  "mutedUntil" DATETIME NULL,
  "muteReason" TEXT NULL,
  "historic" BOOLEAN NOT NULL,
  "incidentId" TEXT NULL,
  "ticketId" TEXT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Alarm_site_fkey" FOREIGN KEY ("siteId") REFERENCES "Site" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "Alarm_device_fkey" FOREIGN KEY ("deviceId") REFERENCES "Device" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "Alarm_ticket_fkey" FOREIGN KEY ("ticketId") REFERENCES "Ticket" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "Alarm_tenantId_raisedAt_idx" ON "Alarm" ("tenantId", "raisedAt");
CREATE INDEX "Alarm_siteId_raisedAt_idx" ON "Alarm" ("siteId", "raisedAt");
CREATE INDEX "Alarm_deviceId_idx" ON "Alarm" ("deviceId");
CREATE INDEX "Alarm_ticketId_idx" ON "Alarm" ("ticketId");
CREATE TABLE "Ticket" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "number" INTEGER NOT NULL,
  "subject" TEXT NOT NULL,
  "description" TEXT NULL,
  "status" TEXT NOT NULL,
  "priority" TEXT NOT NULL,
  "customerId" TEXT NULL,
  "siteId" TEXT NULL,
  "assigneeId" TEXT NULL,
  "cause" TEXT NULL,
  "openCause" TEXT NULL,
  "lossWh" REAL NULL,
  "lossAmount" BIGINT NULL,
  "lossCurrency" TEXT NULL,
  "firstResponseDueAt" DATETIME NULL,
  "nextUpdateDueAt" DATETIME NULL,
  "solutionDueAt" DATETIME NULL,
  "pausedSince" DATETIME NULL,
  "breached" BOOLEAN NOT NULL,
  "resolvedAt" DATETIME NULL,
  "closedAt" DATETIME NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Ticket_customer_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "Ticket_site_fkey" FOREIGN KEY ("siteId") REFERENCES "Site" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "Ticket_assignee_fkey" FOREIGN KEY ("assigneeId") REFERENCES "User" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "Ticket_tenantId_number_key" ON "Ticket" ("tenantId", "number");
CREATE UNIQUE INDEX "Ticket_tenantId_openCause_key" ON "Ticket" ("tenantId", "openCause");
CREATE INDEX "Ticket_tenantId_createdAt_idx" ON "Ticket" ("tenantId", "createdAt");
CREATE INDEX "Ticket_customerId_idx" ON "Ticket" ("customerId");
CREATE INDEX "Ticket_siteId_idx" ON "Ticket" ("siteId");
CREATE INDEX "Ticket_assigneeId_idx" ON "Ticket" ("assigneeId");
CREATE TABLE "TicketEntry" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "ticketId" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "isPublic" BOOLEAN NOT NULL,
  "authorId" TEXT NULL,
  "text" TEXT NOT NULL,
  "data" JSONB NULL,
  "createdAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "TicketEntry_ticket_fkey" FOREIGN KEY ("ticketId") REFERENCES "Ticket" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "TicketEntry_ticketId_createdAt_idx" ON "TicketEntry" ("ticketId", "createdAt");
CREATE INDEX "TicketEntry_tenantId_idx" ON "TicketEntry" ("tenantId");
CREATE TABLE "Subscription" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "userId" TEXT NOT NULL,
  "customerId" TEXT NULL,
  "siteId" TEXT NULL,
  "orgUnitId" TEXT NULL,
  "minSeverity" TEXT NOT NULL,
  "channels" JSONB NOT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Subscription_user_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "Subscription_customer_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "Subscription_site_fkey" FOREIGN KEY ("siteId") REFERENCES "Site" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "Subscription_orgUnit_fkey" FOREIGN KEY ("orgUnitId") REFERENCES "OrgUnit" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "Subscription_tenantId_idx" ON "Subscription" ("tenantId");
CREATE INDEX "Subscription_userId_idx" ON "Subscription" ("userId");
CREATE INDEX "Subscription_customerId_idx" ON "Subscription" ("customerId");
CREATE INDEX "Subscription_siteId_idx" ON "Subscription" ("siteId");
CREATE INDEX "Subscription_orgUnitId_idx" ON "Subscription" ("orgUnitId");
CREATE TABLE "Notification" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "channel" TEXT NOT NULL,
  "recipient" TEXT NOT NULL,
  "subject" TEXT NULL,
  "text" TEXT NOT NULL,
  "state" TEXT NOT NULL,
  "attempts" INTEGER NOT NULL,
  "nextAttemptAt" DATETIME NULL,
  "sentAt" DATETIME NULL,
  "providerId" TEXT NULL,
  "error" TEXT NULL,
  "dedupeKey" TEXT NOT NULL,
  "confidential" BOOLEAN NOT NULL,
  "userId" TEXT NULL,
  "ticketId" TEXT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Notification_ticket_fkey" FOREIGN KEY ("ticketId") REFERENCES "Ticket" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "Notification_dedupeKey_key" ON "Notification" ("dedupeKey");
CREATE INDEX "Notification_tenantId_createdAt_idx" ON "Notification" ("tenantId", "createdAt");
CREATE INDEX "Notification_state_nextAttemptAt_idx" ON "Notification" ("state", "nextAttemptAt");
CREATE INDEX "Notification_ticketId_idx" ON "Notification" ("ticketId");
CREATE TABLE "Audit" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "seq" BIGINT NOT NULL,
  "at" DATETIME NOT NULL,
  "actorKind" TEXT NOT NULL,
  "actorId" TEXT NULL,
  "action" TEXT NOT NULL,
  "resource" TEXT NOT NULL,
  "resourceId" TEXT NULL,
  "details" TEXT NULL,
  "salt" TEXT NULL,
  "digest" TEXT NOT NULL,
  "prevHash" TEXT NOT NULL,
  "hash" TEXT NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "Audit_tenantId_seq_key" ON "Audit" ("tenantId", "seq");
CREATE INDEX "Audit_tenantId_resource_resourceId_idx" ON "Audit" ("tenantId", "resource", "resourceId");
CREATE INDEX "Audit_tenantId_at_idx" ON "Audit" ("tenantId", "at");
CREATE TABLE "Outbox" (
  "version" BIGINT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "type" TEXT NOT NULL,
  "payload" TEXT NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "publishedAt" DATETIME NULL,
  PRIMARY KEY ("version")
);
CREATE INDEX "Outbox_publishedAt_version_idx" ON "Outbox" ("publishedAt", "version");
CREATE TABLE "ConsumerOffset" (
  "topic" TEXT NOT NULL,
  "consumer" TEXT NOT NULL,
  "partition" INTEGER NOT NULL,
  "offset" BIGINT NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("topic", "consumer", "partition")
);
CREATE TABLE "IdempotencyKey" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "requestHash" TEXT NOT NULL,
  "status" INTEGER NOT NULL,
  "response" TEXT NULL,
  "createdAt" DATETIME NOT NULL,
  "expiresAt" DATETIME NOT NULL,
  PRIMARY KEY ("id")
);
CREATE INDEX "IdempotencyKey_expiresAt_idx" ON "IdempotencyKey" ("expiresAt");
CREATE INDEX "IdempotencyKey_tenantId_idx" ON "IdempotencyKey" ("tenantId");
CREATE TABLE "Lease" (
  "name" TEXT NOT NULL,
  "holder" TEXT NOT NULL,
  "token" BIGINT NOT NULL,
  "expiresAt" DATETIME NOT NULL,
  PRIMARY KEY ("name")
);
CREATE TABLE "Setting" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "value" JSONB NOT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "Setting_tenantId_name_key" ON "Setting" ("tenantId", "name");
CREATE TABLE "Sequence" (
  "name" TEXT NOT NULL,
  "value" BIGINT NOT NULL,
  PRIMARY KEY ("name")
);
