import { describe, expect, it } from 'vitest'
import { kafkaOptions } from './kafka-options.ts'

const options = (url: string) => kafkaOptions(new URL(url))

describe('an address of Kafka', () => {
  it('needs a host and nothing else', () => {
    expect(options('kafka://broker')).toEqual({ brokers: ['broker:9092'], prefix: 'heliograph', partitions: 6 })
  })
  it('says everything a cluster asks for', () => {
    expect(
      options(
        'kafka://us%40er:p%2Fw@a:9093/prod?brokers=b:9093,c:9093&tls=on&sasl=scram-sha-512&partitions=12&replication=3',
      ),
    ).toEqual({
      brokers: ['a:9093', 'b:9093', 'c:9093'],
      prefix: 'prod',
      tls: {},
      sasl: { mechanism: 'scram-sha-512', username: 'us@er', password: 'p/w' },
      partitions: 12,
      replication: 3,
    })
  })
  it('speaks TLS where certificates are named', () => {
    expect(options('kafka://a?ca=/etc/ca.pem').tls).toEqual({ ca: '/etc/ca.pem' })
  })
  it.each([
    ['kafka://a?acks=0', /"acks" is no part of/],
    ['kafka://a?partitions=0', /^partitions=: /],
    ['kafka://a?brokers=b', /host:port/],
    ['kafka://a?sasl=none', /^sasl=: /],
    ['kafka://a/one/two', /prefix of topics/],
    ['kafka://a?cert=/c.pem', /cert= and key= go together/],
    ['kafka://a?tls=off&ca=/ca.pem', /do not go together/],
  ])('refuses %s', (url, line) => {
    expect(() => options(url)).toThrow(line)
  })
  it('repeats no password', () => {
    expect(() => options('kafka://user:hunter2@a?acks=0')).not.toThrow(/hunter2/)
  })
})
