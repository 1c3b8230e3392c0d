/**
 * Programs of a Debian suite in a folder of their own, with everything they link to: nothing is installed into the system, nothing
 * is started by a package's script, no right of root is needed, and another release's packages run beside the machine's.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './run-command.ts'
import type { ServiceCommand } from './service.ts'

const STANDARD_MIRROR = 'http://deb.debian.org/debian'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** Downloads the packages and all they depend on, and unpacks them into `dir`. */
export async function unpackDebian(dir: string, suite: 'bookworm' | 'sid', packages: string[]): Promise<void> {
  const apt = join(dir, 'apt')
  for (const folder of ['lists/partial', 'archives/partial']) mkdirSync(join(apt, folder), { recursive: true })
  // Nothing counts as installed, so that the folder does not depend on what this machine happens to have.
  writeFileSync(join(apt, 'status'), '')
  const mirror = machineMirror()
  const updates = suite === 'sid' ? [] : [`${suite}-updates`]
  writeFileSync(
    join(apt, 'sources.list'),
    [suite, ...updates].map((each) => `deb [signed-by=${KEYRING}] ${mirror} ${each} main\n`).join(''),
  )
  const options = [
    ['Dir::State', apt],
    ['Dir::State::lists', join(apt, 'lists')],
    ['Dir::State::status', join(apt, 'status')],
    ['Dir::Cache', apt],
    ['Dir::Cache::archives', join(apt, 'archives')],
    ['Dir::Etc::sourcelist', join(apt, 'sources.list')],
    ['Dir::Etc::sourceparts', '/dev/null'],
    ['APT::Sandbox::User', ''],
    ['Debug::NoLocking', '1'],
    ['Acquire::Languages', 'none'],
    ['Acquire::Retries', '3'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`])
  await runCommand('apt-get', [...options, 'update', '-qq'])
  await runCommand('apt-get', [
    ...options,
    'install',
    '-y',
    '-qq',
    '--no-install-recommends',
    '--download-only',
    ...packages,
  ])
  for (const archive of readdirSync(join(apt, 'archives')).filter((file) => file.endsWith('.deb')))
    await runCommand('dpkg-deb', ['-x', join(apt, 'archives', archive), join(dir, 'root')])
  rmSync(apt, { recursive: true })
}

/** Starts an unpacked program with its own loader and libraries. */
export function debianCommand(dir: string, program: string, args: string[]): ServiceCommand {
  const root = join(dir, 'root')
  const architecture = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'
  const libraries = [`lib/${architecture}`, `usr/lib/${architecture}`].map((folder) => join(root, folder))
  const name = process.arch === 'arm64' ? 'ld-linux-aarch64.so.1' : 'ld-linux-x86-64.so.2'
  const loader = libraries.map((folder) => join(folder, name)).find(existsSync)
  if (!loader) throw new Error(`${root} holds no ${name}: remove ${dir} and install again`)
  return { program: loader, args: ['--library-path', libraries.join(':'), join(root, program), ...args] }
}

/** The machine's own mirror, where its sources name one of Debian's archive. */
function machineMirror(): string {
  const folder = '/etc/apt/sources.list.d'
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((file) => join(folder, file)) : []),
  ]
  for (const file of files.filter(existsSync)) {
    const found = /^(?:URIs:|deb(?: \[.*?\])?) *(\S+\/debian\/?)(?:\s|$)/m.exec(readFileSync(file, 'utf8'))
    if (found) return found[1]!
  }
  return STANDARD_MIRROR
}
