-- Incidents: alarms of several sites with one cause.
CREATE TABLE "Incident" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "cause" TEXT NOT NULL,
  "type" TEXT NOT NULL,
  "severity" TEXT NOT NULL,
  "startedAt" DATETIME NOT NULL,
  "clearedAt" DATETIME NULL,
  "ticketId" TEXT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "Incident_ticket_fkey" FOREIGN KEY ("ticketId") REFERENCES "Ticket" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE TABLE "IncidentSite" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "incidentId" TEXT NOT NULL,
  "siteId" TEXT NOT NULL,
  "createdAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "IncidentSite_incident_fkey" FOREIGN KEY ("incidentId") REFERENCES "Incident" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "IncidentSite_site_fkey" FOREIGN KEY ("siteId") REFERENCES "Site" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "Incident_tenantId_startedAt_idx" ON "Incident" ("tenantId", "startedAt");
CREATE INDEX "Incident_ticketId_idx" ON "Incident" ("ticketId");
CREATE UNIQUE INDEX "IncidentSite_incidentId_siteId_key" ON "IncidentSite" ("incidentId", "siteId");
CREATE INDEX "IncidentSite_siteId_idx" ON "IncidentSite" ("siteId");
CREATE INDEX "IncidentSite_tenantId_idx" ON "IncidentSite" ("tenantId");
CREATE INDEX "Alarm_incidentId_idx" ON "Alarm" ("incidentId");
