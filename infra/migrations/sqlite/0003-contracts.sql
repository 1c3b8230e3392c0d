-- Contracts with their promises and tariffs; tickets know theirs.
CREATE TABLE "Contract" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "number" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "customerId" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "status" TEXT NOT NULL,
  "validFrom" TEXT NOT NULL,
  "validTo" TEXT NULL,
  "siteIds" JSONB NULL,
  "slaFirstResponseH" REAL NULL,
  "slaSolutionH" REAL NULL,
  "slaHours" TEXT NULL,
  "guaranteeKind" TEXT NULL,
  "guaranteeValue" REAL NULL,
  "tariffPerKwh" TEXT NULL,
  "tariffCurrency" TEXT NULL,
  "notes" TEXT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Contract_customer_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "Contract_tenantId_number_key" ON "Contract" ("tenantId", "number");
CREATE INDEX "Contract_customerId_idx" ON "Contract" ("customerId");
ALTER TABLE "Ticket" ADD COLUMN "contractId" TEXT NULL REFERENCES "Contract" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE "Ticket" ADD COLUMN "firstRespondedAt" DATETIME NULL;
CREATE INDEX "Ticket_contractId_idx" ON "Ticket" ("contractId");
