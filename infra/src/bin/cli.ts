/** `npx heliograph`: the operator's tool. */
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { connectLocal, connectOperator, CliError, withClient } from '../cli/client.ts'
import { takeSettingsOf } from '../cli/home.ts'
import { endQuietlyOnClosedPipe, printJson } from '../cli/output.ts'
import { SettingsError } from '../settings.ts'

const ROLES = ['solo', 'ingest', 'stream', 'api', 'simulator']
endQuietlyOnClosedPipe()
// Set by the launcher, which is called from anywhere.
if (process.env['HELIOGRAPH_HOME']) takeSettingsOf(process.env['HELIOGRAPH_HOME'])
const program = new Command('heliograph')
  .description('Operate a Heliograph instance')
  .exitOverride()
  .configureOutput({ writeErr: (text) => process.stderr.write(text) })

for (const [name, what, run] of [
  ['ingest', 'an MQTT edge', () => import('./ingest.ts')],
  [
    'stream',
    'decoding, storing and judging; of several one works and the others stand by',
    () => import('./stream.ts'),
  ],
  ['api', 'API and pages', () => import('./api.ts')],
] as const)
  program
    .command(name)
    .description(`runs ${what}, on engines that processes share`)
    .action(async () => void (await run()))
program
  .command('solo')
  .description('runs everything, as npm start does')
  .action(async () => void (await import('./solo.ts')))
program
  .command('simulator')
  .description('plays the devices of the demo that an API of the same data directory has made')
  .action(async () => void (await import('./simulator.ts')))

program
  .command('decode')
  .description('what a vendor’s files hold, one JSON line a reading')
  .argument('<file...>')
  .requiredOption('--vendor <id>')
  .option('--topic <topic>', 'MQTT topic of a body that is one message')
  .option('--received-at <time>', 'when it arrived: RFC 3339 or UTC ms')
  .option('--timezone <zone>', 'IANA zone for local times without an offset')
  .action(async (files: string[], options) => {
    const { decodeCommand } = await import('../cli/decode.ts')
    process.exitCode = decodeCommand(files, options)
  })

program
  .command('import')
  .description('bring in history from a CSV file')
  .argument('<file>')
  .requiredOption('--site <id>')
  .option('--device <id>')
  .option('--device-column <name>')
  .requiredOption('--map <column=metric[:unit],…>')
  .requiredOption('--time <column>')
  .option('--time-format <format>')
  .option('--timezone <zone>')
  .action(async (file: string, options) => {
    const { importCommand } = await import('../cli/import.ts')
    const result = await withClient((client) => importCommand(client, file, options))
    printJson(result)
    if (result.rows > 0 && result.imported === 0 && result.bad > 0) process.exitCode = 1
  })

program
  .command('kpi')
  .description('energy, yield and performance of a site')
  .requiredOption('--site <id>')
  .requiredOption('--from <time>')
  .requiredOption('--to <time>')
  .option('--json')
  .action(async (options) => {
    const { kpiCommand } = await import('../cli/kpi.ts')
    await withClient((client) => kpiCommand(client, options))
  })

program
  .command('replay')
  .description('decode raw messages again')
  .option('--from <time>')
  .option('--to <time>')
  .option('--connection <id>')
  .action(async (options) => {
    const { replayCommand } = await import('../cli/pipeline.ts')
    await withClient((client) => replayCommand(client, options))
  })
program
  .command('dead-letters')
  .description('messages that could not be decoded, one JSON line each')
  .action(async () => {
    const { deadLettersCommand } = await import('../cli/pipeline.ts')
    await withClient(deadLettersCommand)
  })
program
  .command('status')
  .description('the parts of the instance and how far they are behind')
  .action(async () => {
    const { statusCommand } = await import('../cli/pipeline.ts')
    await withClient(statusCommand)
  })
program
  .command('verify')
  .description('compare roll-ups with raw readings, and the log with the store; exit code 1 where they differ')
  .option('--windows <n>', 'stretches of roll-ups to compute again', countOption)
  .option('--json')
  .action(async (options) => {
    const { verifyCommand } = await import('../cli/verify.ts')
    process.exitCode = await withClient((client) => verifyCommand(client, options), connectOperator)
  })

program
  .command('backup')
  .description('copy a running instance into an empty folder')
  .argument('<dir>')
  .action(async (dir: string) => {
    const { backupCommand } = await import('../cli/backup/create.ts')
    await withClient((client) => backupCommand(client, dir), connectLocal)
  })
program
  .command('restore')
  .description('put a backup into an empty data directory')
  .argument('<dir>')
  .action(async (dir: string) => {
    const { restoreCommand } = await import('../cli/backup/restore.ts')
    await restoreCommand(dir)
  })

const audit = program.command('audit').description('the audit trail')
audit
  .command('verify')
  .description('check the hash chain of every tenant; exit code 1 where one does not hold')
  .action(async () => {
    const { auditVerifyCommand } = await import('../cli/admin.ts')
    process.exitCode = await withClient(auditVerifyCommand, connectOperator)
  })
const tenant = program.command('tenant').description('tenants')
tenant
  .command('create')
  .requiredOption('--name <name>')
  .requiredOption('--admin-email <email>')
  .requiredOption('--admin-password <password>')
  .option('--admin-name <name>')
  .action(async (options) => {
    const { tenantCreateCommand } = await import('../cli/admin.ts')
    await withClient((client) => tenantCreateCommand(client, options), connectOperator)
  })
tenant.command('list').action(async () => {
  const { tenantListCommand } = await import('../cli/admin.ts')
  await withClient(tenantListCommand, connectOperator)
})
const user = program.command('user').description('people')
user
  .command('create')
  .option('--tenant <id or name>')
  .requiredOption('--email <email>')
  .option('--name <name>')
  .requiredOption('--role <role>')
  .option('--password <password>', 'without it a mail to choose one is sent')
  .action(async (options) => {
    const { userCreateCommand } = await import('../cli/admin.ts')
    await withClient((client) => userCreateCommand(client, options), connectOperator)
  })
user
  .command('list')
  .option('--tenant <id or name>')
  .action(async (options) => {
    const { userListCommand } = await import('../cli/admin.ts')
    await withClient((client) => userListCommand(client, options), connectOperator)
  })
for (const [name, status] of [
  ['disable', 'disabled'],
  ['enable', 'active'],
] as const)
  user
    .command(name)
    .option('--tenant <id or name>')
    .requiredOption('--email <email>')
    .action(async (options) => {
      const { userStatusCommand } = await import('../cli/admin.ts')
      await withClient((client) => userStatusCommand(client, status, options), connectOperator)
    })
const demo = program.command('demo').description('the demo')
demo
  .command('reset')
  .description('make the demo anew: at once where it runs, else with the next start')
  .action(async () => {
    const { demoResetCommand } = await import('../cli/demo.ts')
    await demoResetCommand()
  })

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else if (error instanceof CliError) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = error.exitCode
  } else if (error instanceof SettingsError) {
    for (const problem of error.problems) process.stderr.write(`${problem}\n`)
    process.exitCode = 1
  } else {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exitCode = 1
  }
}
// The launcher's channel would keep this process alive; a role that is at work ends with its launcher.
if (process.connected && !ROLES.includes(process.argv[2] ?? '')) process.disconnect()

function countOption(text: string): string {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('is not a number from 1 to 999')
  return text
}
