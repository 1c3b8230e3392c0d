/** What MySQL and MariaDB have in common as services. */
import { SERVICE_PASSWORD, SERVICE_USER } from './service.ts'
import { ask } from './wait.ts'

/** Read at every start. The account may make databases, since each test suite has one of its own. */
export const accountSql = (): string =>
  [
    'CREATE DATABASE IF NOT EXISTS heliograph CHARACTER SET utf8mb4;',
    `CREATE USER IF NOT EXISTS '${SERVICE_USER}'@'%' IDENTIFIED BY '${SERVICE_PASSWORD}';`,
    `GRANT ALL ON *.* TO '${SERVICE_USER}'@'%' WITH GRANT OPTION;`,
    'FLUSH PRIVILEGES;',
    '',
  ].join('\n')

/** Rejects unless the server greets a new connection: it speaks first, with version 10 of its protocol behind a header of four bytes. */
export async function greets(port: number): Promise<void> {
  const greeting = await ask(port, '')
  if (greeting[4] !== 10) throw new Error('refuses connections')
}
