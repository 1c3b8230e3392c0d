/**
 * InfluxDB 2: raw curves (`HELIO_SERIES_URL`). Built from its module's sources, since registries hold no binary of it; its query language
 * is a Rust library, built on the way.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GO_NEEDS, goInstall, goSources } from '../golang.ts'
import { runCommand } from '../run-command.ts'
import { defineService, type Place, SERVICE_PASSWORD, SERVICE_USER } from '../service.ts'
import { fetchOk } from '../wait.ts'

/** Of this development machine; its server listens on the loopback alone. */
const TOKEN = 'heliograph-services-token'
const address = ({ port }: Place): string => `http://127.0.0.1:${port('http')}`

export const service = defineService({
  name: 'influxdb',
  version: '2.7.12',
  needs: {
    ...GO_NEEDS,
    cargo: 'rustup, or apt-get install cargo',
    clang: 'apt-get install clang',
    protoc: 'apt-get install protobuf-compiler libprotobuf-dev',
    cc: 'apt-get install build-essential',
  },
  async install(dir) {
    const work = join(dir, 'work')
    const flux = join(work, 'flux')
    const sources = join(work, 'influxdb')
    await runCommand('mkdir', ['-p', work])
    await goSources(flux, 'github.com/influxdata/flux@v0.196.1')
    await goSources(sources, 'github.com/influxdata/influxdb/v2@v2.7.12')
    // Pinned to an old compiler, and newer compilers' warnings are errors by default.
    rmSync(join(flux, 'rust-toolchain.toml'), { force: true })
    for (const crate of ['flux', 'flux-core']) {
      const manifest = join(flux, 'libflux', crate, 'Cargo.toml')
      const text = readFileSync(manifest, 'utf8')
      writeFileSync(
        manifest,
        text.replace(/^default *=.*$/m, (line) => line.replace(/"strict",? */, '')),
      )
    }
    await runCommand('go', ['mod', 'edit', '-replace', `github.com/influxdata/flux=${flux}`], { cwd: sources })
    // A wrapper of this name tells Go how to link the Rust library; it must come before the machine's.
    await goInstall(work, 'github.com/influxdata/pkg-config@v0.2.14')
    const build = ['build', '-tags', 'sqlite_foreign_keys,sqlite_json', '-o', join(dir, 'influxd'), './cmd/influxd']
    await runCommand('nice', ['go', ...build], {
      cwd: sources,
      env: {
        PATH: `${work}:${process.env['PATH']}`,
        GOFLAGS: '',
        RUSTUP_TOOLCHAIN: process.env['RUSTUP_TOOLCHAIN'] ?? 'stable',
        // The sources ask for the smallest library, which takes the longest: tests want one soon.
        CARGO_PROFILE_RELEASE_LTO: 'off',
        CARGO_PROFILE_RELEASE_OPT_LEVEL: '1',
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
      },
    })
    rmSync(work, { recursive: true })
  },
  run: {
    ports: ['http'],
    async command({ installed, data, port }) {
      return {
        program: join(installed, 'influxd'),
        args: [
          ...['--bolt-path', join(data, 'influxd.bolt'), '--engine-path', join(data, 'engine')],
          ...['--sqlite-path', join(data, 'influxd.sqlite'), '--http-bind-address', `127.0.0.1:${port('http')}`],
          ...['--reporting-disabled', '--log-level', 'warn'],
        ],
      }
    },
    async ready(place) {
      await fetchOk(`${address(place)}/health`)
      const setup = `${address(place)}/api/v2/setup`
      const allowed = (await (await fetch(setup)).json()) as { allowed: boolean }
      if (!allowed.allowed) return
      const body = {
        username: SERVICE_USER,
        password: SERVICE_PASSWORD,
        org: 'heliograph',
        bucket: 'heliograph',
        token: TOKEN,
      }
      const response = await fetch(setup, { method: 'POST', body: JSON.stringify(body) })
      if (!response.ok) throw new Error(await response.text())
    },
    readyMs: 60_000,
    url: ({ port }) => `influx://:${TOKEN}@127.0.0.1:${port('http')}/heliograph/heliograph`,
  },
})
