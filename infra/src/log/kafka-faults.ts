/** Tries a cluster before anything is started, and says in one line what whoever set its address has to mend. */
import type { Logger } from 'pino'
import { EngineFaultError, whyUnreachable } from '../engine-fault.ts'
import { causeOf, createKafka } from './kafka-client.ts'
import { kafkaOptions, type KafkaOptions } from './kafka-options.ts'
import { ensureTopics, TopicFaultError } from './kafka-topics.ts'

const SETTING = 'HELIO_LOG_URL'
/** A broker that is just starting is waited for about so long. */
const RETRY = { retries: 3, initialRetryTime: 300, maxRetryTime: 1_500, multiplier: 2 }

/** @throws EngineFaultError */
export async function tryKafka(url: URL, logger: Logger): Promise<void> {
  let options: KafkaOptions
  try {
    options = kafkaOptions(url)
  } catch (error) {
    throw new EngineFaultError(SETTING, (error as Error).message)
  }
  let admin: ReturnType<ReturnType<typeof createKafka>['admin']> | undefined
  try {
    admin = createKafka({ options, logger, retry: RETRY }).admin()
    await admin.connect()
    await ensureTopics(admin, options, logger)
  } catch (error) {
    throw new EngineFaultError(SETTING, explain(error, options), { cause: error })
  } finally {
    await admin?.disconnect().catch(() => undefined)
  }
}

function explain(error: unknown, { brokers, sasl, tls }: KafkaOptions): string {
  if (error instanceof TopicFaultError) return error.message
  const where = brokers.join(', ')
  const { name, code, type, message } = causeOf(error)
  const text = `${message} ${(error as Error).message}`
  if (code === 'ENOENT') return `a file of the certificate cannot be read: ${message}`
  if (
    /mechanism is not enabled|unsupported.*mechanism|mechanism.*not (supported|enabled)/i.test(text) ||
    type === 'UNSUPPORTED_SASL_MECHANISM'
  )
    return `Kafka at ${where} does not take sasl=${sasl?.mechanism ?? 'plain'}; set sasl= to a mechanism it has`
  if (name === 'KafkaJSSASLAuthenticationError' || type === 'SASL_AUTHENTICATION_FAILED')
    return `Kafka at ${where} refuses the user "${sasl?.username ?? ''}": wrong user, password or mechanism (sasl=)`
  if (type?.includes('AUTHORIZATION_FAILED'))
    return `Kafka at ${where} forbids this user what is needed to see and make topics: ${message}`
  if (type === 'INVALID_REPLICATION_FACTOR')
    return `Kafka at ${where} has fewer brokers than replication= asks copies for`
  if (/certificate/i.test(text))
    return `${whyUnreachable(error, where) ?? `${where} cannot be trusted: ${message}`}; or name it by ca=FILE`
  if (/ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/.test(`${text} ${code ?? ''}`))
    return whyUnreachable(error, where) ?? `${where} cannot be reached`
  if (/wrong version number|EPROTO|packet length too long/i.test(text))
    return `${where} does not speak TLS; leave out tls=on, or set the port that does`
  // A broker that is spoken to in the wrong way says nothing, or hangs up.
  if (/timeout|timed out|closed|ECONNRESET|disconnected|not connected/i.test(text))
    return `${where} does not answer as Kafka does; does it want ${sasl ? '' : 'a user and password, or '}${tls ? 'no TLS' : 'TLS (tls=on)'}?`
  return `Kafka at ${where} cannot be used: ${message}`
}
