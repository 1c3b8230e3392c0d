/**
 * Kafka, one broker that is its own controller: the log (`HELIO_LOG_URL`). Four ways in: plain, with a password, with a password
 * over TLS, and one that tells clients to come back through another port, for a proxy in between.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { copyArtifacts, MAVEN_NEEDS } from '../maven.ts'
import { runCommand } from '../run-command.ts'
import { defineService, type Place, SERVICE_PASSWORD, SERVICE_USER, type ServiceCommand } from '../service.ts'
import { ask } from '../wait.ts'

/** Any 16 bytes: brokers are told of each other by their ports. */
const CLUSTER_ID = 'aGVsaW9ncmFwaC1zdmNzLQ'
/** What every broker on a development machine has, alone or among others. */
const BROKER_SETTINGS = {
  'process.roles': 'broker,controller',
  'controller.listener.names': 'CONTROLLER',
  'auto.create.topics.enable': false,
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1_000,
  'offsets.topic.num.partitions': 4,
  'log.cleaner.dedupe.buffer.size': 16_777_216,
}
const LISTENERS = { plain: 'PLAINTEXT', sasl: 'SASL_PLAINTEXT', tls: 'SASL_SSL', proxied: 'PLAINTEXT' } as const

export const service = defineService({
  name: 'kafka',
  version: '4.1.0',
  needs: MAVEN_NEEDS,
  install: (dir) =>
    copyArtifacts(dir, [
      'org.apache.kafka:kafka_2.13:4.1.0',
      'org.apache.logging.log4j:log4j-slf4j-impl:2.25.2',
      'org.apache.logging.log4j:log4j-core:2.25.2',
    ]),
  run: {
    ports: ['plain', 'sasl', 'tls', 'proxied', 'controller'],
    reserved: ['proxy'],
    async command(place) {
      await makeCertificate(place.data)
      return await brokerCommand(place, configuration(place), {
        heap: ['-Xms256m', '-Xmx512m'],
        format: [
          ...['--add-scram', `SCRAM-SHA-256=[name=${SERVICE_USER},password=${SERVICE_PASSWORD}]`],
          ...['--add-scram', `SCRAM-SHA-512=[name=${SERVICE_USER},password=${SERVICE_PASSWORD}]`],
        ],
      })
    },
    async ready({ port }) {
      // ApiVersions, version 0, correlation 7, no client id: answered once the broker takes requests.
      const answer = await ask(port('plain'), Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff]))
      if (answer.readInt32BE(4) !== 7) throw new Error('answers something else')
    },
    readyMs: 60_000,
    url: ({ port }) => `kafka://127.0.0.1:${port('plain')}`,
  },
})

type Settings = Readonly<Record<string, string | number | boolean>>

/** Writes a broker's settings, makes its folder where that is new, and says how to start it. */
export async function brokerCommand(
  { installed, data }: Place,
  settings: Settings,
  { heap, format = [] }: { heap: string[]; format?: string[] },
): Promise<ServiceCommand> {
  const classes = join(installed, 'lib', '*')
  const properties = join(data, 'server.properties')
  const lines = Object.entries({ ...BROKER_SETTINGS, 'log.dirs': join(data, 'log'), ...settings })
  writeFileSync(properties, lines.map(([name, value]) => `${name}=${value}\n`).join(''))
  if (!existsSync(join(data, 'log', 'meta.properties')))
    await runCommand('java', [
      ...['-cp', classes, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties],
      ...format,
    ])
  return { program: 'java', args: [...heap, '-XX:+UseSerialGC', '-cp', classes, 'kafka.Kafka', properties] }
}

function configuration({ data, port }: Place): Settings {
  const names = Object.keys(LISTENERS) as (keyof typeof LISTENERS)[]
  const login = `org.apache.kafka.common.security.plain.PlainLoginModule required username="${SERVICE_USER}" password="${SERVICE_PASSWORD}" user_${SERVICE_USER}="${SERVICE_PASSWORD}";`
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  return {
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${port('controller')}`,
    'inter.broker.listener.name': 'PLAIN',
    listeners: [
      ...names.map((name) => `${name.toUpperCase()}://127.0.0.1:${port(name)}`),
      `CONTROLLER://127.0.0.1:${port('controller')}`,
    ].join(','),
    'advertised.listeners': names
      .map((name) => `${name.toUpperCase()}://127.0.0.1:${port(name === 'proxied' ? 'proxy' : name)}`)
      .join(','),
    'listener.security.protocol.map': [
      ...names.map((name) => `${name.toUpperCase()}:${LISTENERS[name]}`),
      'CONTROLLER:PLAINTEXT',
    ].join(','),
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    ...Object.fromEntries(
      ['sasl', 'tls'].flatMap((name) => [
        [`listener.name.${name}.plain.sasl.jaas.config`, login],
        [`listener.name.${name}.scram-sha-256.sasl.jaas.config`, scram],
        [`listener.name.${name}.scram-sha-512.sasl.jaas.config`, scram],
      ]),
    ),
    'ssl.keystore.location': join(data, 'keys.p12'),
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': SERVICE_PASSWORD,
    'ssl.key.password': SERVICE_PASSWORD,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
  }
}

/** A certificate for the loopback, which clients of the listener `tls` have to trust: `certificate.pem`. */
async function makeCertificate(data: string): Promise<void> {
  const keys = join(data, 'keys.p12')
  if (existsSync(join(data, 'certificate.pem'))) return
  const store = ['-keystore', keys, '-storetype', 'PKCS12', '-storepass', SERVICE_PASSWORD, '-alias', 'kafka']
  if (!existsSync(keys))
    await runCommand('keytool', [
      ...['-genkeypair', ...store, '-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '3650'],
      ...['-dname', 'CN=localhost', '-ext', 'SAN=IP:127.0.0.1,DNS:localhost'],
    ])
  const certificate = await runCommand('keytool', ['-exportcert', '-rfc', ...store])
  writeFileSync(join(data, 'certificate.pem'), certificate)
}
