/** An authority of a company's own that signs certificates of its servers, as OpenSSL makes one. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'

const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' })
const NEW_KEY = ['-newkey', 'rsa:2048', '-nodes']

export interface Certified {
  /** PEM files. */
  key: string
  cert: string
}
export interface Authority {
  /** PEM file of its own certificate. */
  file: string
  /** @param hosts names and addresses of one server */
  certify(server: string, hosts: readonly string[]): Certified
}

/** @param dir where its files lie */
export function createAuthority(dir: string, name = 'authority'): Authority {
  const [key, file] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)]
  openssl('req', '-x509', ...NEW_KEY, '-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out', file)
  return {
    file,
    certify(server, hosts) {
      const made: Certified = { key: join(dir, `${server}.key`), cert: join(dir, `${server}.pem`) }
      const [request, names] = [join(dir, `${server}.csr`), join(dir, `${server}.names`)]
      openssl('req', ...NEW_KEY, '-subj', `/CN=${hosts[0]!}`, '-keyout', made.key, '-out', request)
      writeFileSync(
        names,
        `subjectAltName=${hosts.map((host) => `${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`).join(',')}`,
      )
      openssl(
        ...['x509', '-req', '-in', request, '-days', '2', '-extfile', names, '-CAcreateserial'],
        ...['-CA', file, '-CAkey', key, '-out', made.cert],
      )
      return made
    },
  }
}
