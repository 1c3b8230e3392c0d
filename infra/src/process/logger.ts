import { type Logger, pino } from 'pino'

const SECRETS_TO_HIDE = [
  '*.password',
  '*.secret',
  '*.token',
  '*.authorization',
  'req.headers.authorization',
  'req.headers.cookie',
]

/** Lines of one process, named by it, with whatever is secret hidden. */
export function createLogger(name: string, level: string): Logger {
  return pino({ name, level, redact: { paths: SECRETS_TO_HIDE, censor: '[hidden]' } })
}
