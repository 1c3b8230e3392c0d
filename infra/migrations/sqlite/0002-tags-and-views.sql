-- Tags on sites, and views that people saved.
ALTER TABLE "Site" ADD COLUMN "tags" JSONB NULL;
CREATE TABLE "SavedView" (
  "id" TEXT NOT NULL,
  "tenantId" TEXT NOT NULL,
  "userId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "address" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "createdAt" DATETIME NOT NULL,
  "updatedAt" DATETIME NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "SavedView_user_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "SavedView_userId_name_key" ON "SavedView" ("userId", "name");
CREATE INDEX "SavedView_tenantId_idx" ON "SavedView" ("tenantId");
