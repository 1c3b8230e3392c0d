/**
 * Runs the project's commands on a fresh clone: installs what is missing, makes what is generated, then starts the real
 * thing with the Node that came with the dependencies. Plain JavaScript, because the host's older Node runs this file.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const bin = join(root, 'node_modules', '.bin')
const [command = 'start', ...args] = process.argv.slice(2)
// Neither schema engine nor version check is needed: migrations are our own SQL files.
const env = {
  ...process.env,
  PATH: `${bin}:${process.env.PATH}`,
  PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
  CHECKPOINT_DISABLE: '1',
  // Half of what a process costs to start is reading its modules.
  NODE_COMPILE_CACHE: join(root, 'node_modules', '.heliograph', 'compiled'),
}

function say(text) {
  process.stderr.write(`${text}\n`)
}
function run(program, programArgs, options = {}) {
  const { status, signal } = spawnSync(program, programArgs, { cwd: root, env, stdio: 'inherit', ...options })
  return signal ? 1 : (status ?? 1)
}
function must(program, programArgs, options) {
  const status = run(program, programArgs, options)
  if (status !== 0) process.exit(status)
}
const node = (script, ...rest) => run(join(bin, 'node'), ['--disable-warning=ExperimentalWarning', script, ...rest])

function hashOf(paths) {
  const hash = createHash('sha256')
  const add = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const full = join(path, entry.name)
      if (['node_modules', 'build', '.svelte-kit', 'tests'].includes(entry.name)) continue
      if (entry.isDirectory()) add(full)
      else hash.update(relative(root, full)).update(readFileSync(full))
    }
  }
  for (const path of paths) {
    const full = join(root, path)
    if (path.includes('.')) hash.update(readFileSync(full))
    else add(full)
  }
  return hash.digest('hex')
}
/** Does the work only where its inputs changed since it last succeeded. */
function whenStale(name, inputs, done, work) {
  const stamp = join(root, 'node_modules', '.heliograph', name)
  const hash = hashOf(inputs)
  if (done() && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return
  work()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, hash)
}

function install() {
  whenStale(
    'install',
    ['package-lock.json'],
    () => existsSync(join(bin, 'node')) && existsSync(join(bin, 'vitest')),
    () => {
      say('Installing dependencies …')
      // npm resolves nothing here: the lock file decides.
      must('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
    },
  )
}
function generate() {
  whenStale(
    'prisma',
    ['crm-core/prisma', 'infra/scripts/generate-prisma.ts'],
    () => existsSync(join(root, 'infra/src/crm/generated')),
    () => {
      say('Generating the database client …')
      must(join(bin, 'node'), ['--disable-warning=ExperimentalWarning', 'infra/scripts/generate-prisma.ts'], {
        stdio: ['ignore', 2, 'inherit'],
      })
    },
  )
}
/** The page's own types, which its tests and every check that reads its configuration need. */
function syncPage() {
  if (existsSync(join(root, 'dashboard/node_modules/$app'))) return
  must(join(bin, 'svelte-kit'), ['sync'], { cwd: join(root, 'dashboard') })
}
function buildPage() {
  whenStale(
    'page',
    ['dashboard', 'crm-core/contracts', 'package-lock.json'],
    () => existsSync(join(root, 'dashboard/build/handler.js')),
    () => {
      say('Building the page …')
      const built = spawnSync('npm', ['run', 'build', '-w', 'dashboard', '--silent'], {
        cwd: root,
        env,
        encoding: 'utf8',
      })
      if (built.status !== 0) {
        process.stderr.write(`${built.stdout}${built.stderr}`)
        process.exit(1)
      }
    },
  )
}

/** Runs until it ends or the terminal, npm or whoever started us is gone. */
function stay(script, scriptArgs, cwd = root) {
  const child = spawn(join(bin, 'node'), ['--disable-warning=ExperimentalWarning', join(root, script), ...scriptArgs], {
    cwd,
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill('SIGTERM'))
  const ancestors = ancestry()
  setInterval(() => {
    if (ancestors.some(({ pid, parent }) => parentOf(pid) !== parent)) child.kill('SIGTERM')
  }, 500).unref()
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
}
/** npm starts us through a shell: killed with -9, it leaves the shell behind. So its place above the shell is watched too. */
function ancestry() {
  const watched = [{ pid: process.pid, parent: process.ppid }]
  if (process.env.npm_lifecycle_event && existsSync('/proc'))
    watched.push({ pid: process.ppid, parent: parentOf(process.ppid) })
  return watched.filter(({ parent }) => parent !== undefined)
}
function parentOf(pid) {
  if (pid === process.pid) return process.ppid
  try {
    return Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

const commands = {
  start() {
    generate()
    buildPage()
    stay('infra/src/bin/solo.ts', args)
  },
  cli() {
    generate()
    env.HELIOGRAPH_HOME = root
    // Files are named from where the caller stands; npx steps up to a package's folder and says where it came from.
    const { npm_command: npmCommand, INIT_CWD: before } = process.env
    const here = process.cwd()
    stay('infra/src/bin/cli.ts', args, npmCommand === 'exec' && before?.startsWith(`${here}/`) ? before : here)
  },
  test() {
    generate()
    syncPage()
    let status = run('vitest', ['run', ...args])
    if (args.length === 0 && existsSync(join(root, 'dashboard/tests'))) {
      if (CHROMIUM.some(existsSync)) {
        buildPage()
        status = node('infra/scripts/test-pages.ts') || status
      } else {
        say('Chromium was not found: the pages were not tested in a browser. Install it to test them too.')
        if (process.env.CI === 'true') status = status || 1
      }
    }
    process.exit(status)
  },
  check() {
    generate()
    syncPage()
    // Weighed is what was built.
    if (args.length === 0 || args.includes('page weight')) buildPage()
    process.exit(node('infra/scripts/check.ts', ...args))
  },
  'test:services'() {
    generate()
    process.exit(node('infra/scripts/test-services.ts', ...args))
  },
  services() {
    // They outlive this command, so nothing here watches who started it.
    process.exit(node('infra/services/main.ts', ...args))
  },
  bench() {
    generate()
    buildPage()
    process.exit(node('loadtest/src/bench.ts', ...args))
  },
  generate() {
    generate()
    process.exit(node('infra/scripts/generate.ts'))
  },
  page() {
    buildPage()
  },
  lighthouse() {
    generate()
    buildPage()
    process.exit(node('infra/scripts/lighthouse.ts', ...args))
  },
  screenshots() {
    generate()
    buildPage()
    process.exit(node('infra/scripts/screenshots.ts'))
  },
  format() {
    process.exit(run('prettier', ['--write', '--log-level=warn', '.']))
  },
}

if (!Object.hasOwn(commands, command)) {
  say(`unknown command "${command}"; one of ${Object.keys(commands).join(', ')}`)
  process.exit(2)
}
install()
commands[command]()
