/**
 * The address of a Kafka cluster as one URL: `kafka://[user:password@]host:port[/prefix][?…]`. What the query may say is in
 * `query` below.
 */
import { readFileSync } from 'node:fs'
import type { KafkaConfig, SASLOptions } from 'kafkajs'
import { z } from 'zod'

export interface KafkaOptions {
  brokers: string[]
  /** Topics and groups begin with it, so that several instances share a cluster. */
  prefix: string
  tls?: { ca?: string; cert?: string; key?: string }
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
  /** Of topics whose records belong to devices or connections, when they are made here. */
  partitions: number
  /** Copies of each record, when topics are made here. Absent: three, or as many as there are brokers. */
  replication?: number
}

const address = /^[a-zA-Z0-9.-]+:\d{1,5}$/
const query = z.strictObject({
  /** More brokers to begin with, `host:port,host:port`. */
  brokers: z
    .string()
    .transform((text) => text.split(','))
    .refine((all) => all.every((each) => address.test(each)), 'brokers= lists host:port, separated by commas')
    .default([]),
  tls: z.enum(['on', 'off']).optional(),
  /** Files: who signed the brokers' certificates, and a certificate of our own with its key. */
  ca: z.string().min(1).optional(),
  cert: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
  sasl: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).default('plain'),
  partitions: z.coerce.number().int().min(1).max(1_000).default(6),
  replication: z.coerce.number().int().min(1).max(10).optional(),
})
const STANDARD_PORT = '9092'
const prefixes = /^[a-zA-Z0-9._-]{1,100}$/

/** @throws Error with one line that repeats nothing secret */
export function kafkaOptions(url: URL): KafkaOptions {
  const parsed = query.safeParse(Object.fromEntries(url.searchParams))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Error(
      issue!.code === 'unrecognized_keys'
        ? `"${issue!.keys.join('", "')}" is no part of a kafka:// address; known: ${Object.keys(query.shape).join(', ')}`
        : `${String(issue!.path[0])}=: ${issue!.message}`,
    )
  }
  const { brokers, tls, ca, cert, key, sasl, partitions, replication } = parsed.data
  if (url.hostname === '') throw new Error('names no broker; write kafka://host:9092')
  const prefix = decodeURIComponent(url.pathname.replace(/^\//, '')) || 'heliograph'
  if (!prefixes.test(prefix)) throw new Error('the path is the prefix of topics: letters, digits, ".", "_" and "-"')
  if (tls === 'off' && (ca ?? cert ?? key) !== undefined) throw new Error('tls=off and certificates do not go together')
  if ((cert === undefined) !== (key === undefined)) throw new Error('cert= and key= go together')
  return {
    brokers: [`${url.hostname}:${url.port || STANDARD_PORT}`, ...brokers],
    prefix,
    ...((tls === 'on' || ca !== undefined || cert !== undefined) && { tls: { ca, cert, key } }),
    ...(url.username !== '' && {
      sasl: {
        mechanism: sasl,
        username: decodeURIComponent(url.username),
        password: decodeURIComponent(url.password),
      },
    }),
    partitions,
    replication,
  }
}

/** @throws Error where a file of a certificate cannot be read */
export function kafkaConfig({ tls, sasl }: KafkaOptions): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  const file = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path, 'utf8'))
  return {
    ...(tls && { ssl: { ca: file(tls.ca), cert: file(tls.cert), key: file(tls.key) } }),
    ...(sasl && { sasl: sasl as SASLOptions }),
  }
}
