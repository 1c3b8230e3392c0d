// Made by infra/scripts/generate-prisma.ts from crm-core/prisma/schema.prisma; do not edit.
import type { TableName } from '../../contracts/index.ts'

export interface Relation {
  table: TableName
  /** Columns that are equal: of the table itself, of the other. */
  on: readonly (readonly [own: string, other: string])[]
}

export const RELATIONS: Readonly<Record<TableName, Readonly<Record<string, Relation>>>> = {
  tenant: {},
  orgUnit: {
    parent: { table: 'orgUnit', on: [['parentId', 'id']] },
    children: { table: 'orgUnit', on: [['id', 'parentId']] },
    above: { table: 'orgUnitClosure', on: [['id', 'descendantId']] },
    below: { table: 'orgUnitClosure', on: [['id', 'ancestorId']] },
    users: { table: 'roleAssignment', on: [['id', 'orgUnitId']] },
    customers: { table: 'customer', on: [['id', 'orgUnitId']] },
    sites: { table: 'site', on: [['id', 'orgUnitId']] },
    watchers: { table: 'subscription', on: [['id', 'orgUnitId']] },
  },
  orgUnitClosure: {
    ancestor: { table: 'orgUnit', on: [['ancestorId', 'id']] },
    descendant: { table: 'orgUnit', on: [['descendantId', 'id']] },
  },
  user: {
    roles: { table: 'roleAssignment', on: [['id', 'userId']] },
    customers: { table: 'userCustomer', on: [['id', 'userId']] },
    sessions: { table: 'session', on: [['id', 'userId']] },
    resets: { table: 'passwordReset', on: [['id', 'userId']] },
    subscriptions: { table: 'subscription', on: [['id', 'userId']] },
    assigned: { table: 'ticket', on: [['id', 'assigneeId']] },
    views: { table: 'savedView', on: [['id', 'userId']] },
  },
  role: {
    assignments: { table: 'roleAssignment', on: [['id', 'roleId']] },
  },
  roleAssignment: {
    user: { table: 'user', on: [['userId', 'id']] },
    role: { table: 'role', on: [['roleId', 'id']] },
    orgUnit: { table: 'orgUnit', on: [['orgUnitId', 'id']] },
  },
  userCustomer: {
    user: { table: 'user', on: [['userId', 'id']] },
    customer: { table: 'customer', on: [['customerId', 'id']] },
  },
  session: {
    user: { table: 'user', on: [['userId', 'id']] },
  },
  passwordReset: {
    user: { table: 'user', on: [['userId', 'id']] },
  },
  apiKey: {
    connection: { table: 'connection', on: [['connectionId', 'id']] },
  },
  customer: {
    orgUnit: { table: 'orgUnit', on: [['orgUnitId', 'id']] },
    contacts: { table: 'contact', on: [['id', 'customerId']] },
    sites: { table: 'site', on: [['id', 'customerId']] },
    tickets: { table: 'ticket', on: [['id', 'customerId']] },
    users: { table: 'userCustomer', on: [['id', 'customerId']] },
    watchers: { table: 'subscription', on: [['id', 'customerId']] },
    contracts: { table: 'contract', on: [['id', 'customerId']] },
  },
  contact: {
    customer: { table: 'customer', on: [['customerId', 'id']] },
  },
  site: {
    customer: { table: 'customer', on: [['customerId', 'id']] },
    orgUnit: { table: 'orgUnit', on: [['orgUnitId', 'id']] },
    arrays: { table: 'siteArray', on: [['id', 'siteId']] },
    devices: { table: 'device', on: [['id', 'siteId']] },
    periods: { table: 'deviceSite', on: [['id', 'siteId']] },
    connections: { table: 'connection', on: [['id', 'siteId']] },
    alarms: { table: 'alarm', on: [['id', 'siteId']] },
    tickets: { table: 'ticket', on: [['id', 'siteId']] },
    watchers: { table: 'subscription', on: [['id', 'siteId']] },
    incidents: { table: 'incidentSite', on: [['id', 'siteId']] },
  },
  contract: {
    customer: { table: 'customer', on: [['customerId', 'id']] },
    tickets: { table: 'ticket', on: [['id', 'contractId']] },
  },
  siteArray: {
    site: { table: 'site', on: [['siteId', 'id']] },
    device: { table: 'device', on: [['deviceId', 'id']] },
  },
  device: {
    site: { table: 'site', on: [['siteId', 'id']] },
    parent: { table: 'device', on: [['parentId', 'id']] },
    children: { table: 'device', on: [['id', 'parentId']] },
    replacedBy: { table: 'device', on: [['replacedById', 'id']] },
    replaces: { table: 'device', on: [['id', 'replacedById']] },
    links: { table: 'deviceLink', on: [['id', 'deviceId']] },
    rolePeriods: { table: 'deviceRole', on: [['id', 'deviceId']] },
    sitePeriods: { table: 'deviceSite', on: [['id', 'deviceId']] },
    arrays: { table: 'siteArray', on: [['id', 'deviceId']] },
    alarms: { table: 'alarm', on: [['id', 'deviceId']] },
  },
  deviceLink: {
    device: { table: 'device', on: [['deviceId', 'id']] },
    connection: { table: 'connection', on: [['connectionId', 'id']] },
  },
  deviceRole: {
    device: { table: 'device', on: [['deviceId', 'id']] },
  },
  deviceSite: {
    device: { table: 'device', on: [['deviceId', 'id']] },
    site: { table: 'site', on: [['siteId', 'id']] },
  },
  connection: {
    site: { table: 'site', on: [['siteId', 'id']] },
    credentials: { table: 'credential', on: [['id', 'connectionId']] },
    links: { table: 'deviceLink', on: [['id', 'connectionId']] },
    unclaimed: { table: 'unclaimed', on: [['id', 'connectionId']] },
    apiKeys: { table: 'apiKey', on: [['id', 'connectionId']] },
  },
  credential: {
    connection: { table: 'connection', on: [['connectionId', 'id']] },
  },
  unclaimed: {
    connection: { table: 'connection', on: [['connectionId', 'id']] },
  },
  replay: {},
  alarm: {
    site: { table: 'site', on: [['siteId', 'id']] },
    device: { table: 'device', on: [['deviceId', 'id']] },
    ticket: { table: 'ticket', on: [['ticketId', 'id']] },
  },
  incident: {
    ticket: { table: 'ticket', on: [['ticketId', 'id']] },
    sites: { table: 'incidentSite', on: [['id', 'incidentId']] },
  },
  incidentSite: {
    incident: { table: 'incident', on: [['incidentId', 'id']] },
    site: { table: 'site', on: [['siteId', 'id']] },
  },
  ticket: {
    contract: { table: 'contract', on: [['contractId', 'id']] },
    customer: { table: 'customer', on: [['customerId', 'id']] },
    site: { table: 'site', on: [['siteId', 'id']] },
    assignee: { table: 'user', on: [['assigneeId', 'id']] },
    alarms: { table: 'alarm', on: [['id', 'ticketId']] },
    incidents: { table: 'incident', on: [['id', 'ticketId']] },
    entries: { table: 'ticketEntry', on: [['id', 'ticketId']] },
    notifications: { table: 'notification', on: [['id', 'ticketId']] },
  },
  ticketEntry: {
    ticket: { table: 'ticket', on: [['ticketId', 'id']] },
  },
  subscription: {
    user: { table: 'user', on: [['userId', 'id']] },
    customer: { table: 'customer', on: [['customerId', 'id']] },
    site: { table: 'site', on: [['siteId', 'id']] },
    orgUnit: { table: 'orgUnit', on: [['orgUnitId', 'id']] },
  },
  notification: {
    ticket: { table: 'ticket', on: [['ticketId', 'id']] },
  },
  audit: {},
  outbox: {},
  consumerOffset: {},
  idempotencyKey: {},
  lease: {},
  setting: {},
  savedView: {
    user: { table: 'user', on: [['userId', 'id']] },
  },
  sequence: {},
}
