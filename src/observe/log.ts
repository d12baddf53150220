import { pino, type DestinationStream } from 'pino'
import type { Log } from '../ports/log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Members that hold secrets wherever they turn up. Nobody passes them; should someone, they do not get out. */
const secretNames = [
  'authorization',
  'api_key',
  'apiKey',
  'accessToken',
  'access_token',
  'refresh_token',
  'credential',
  'cookie',
  'x-api-key',
  'token',
  'proxy',
]
const redacted = secretNames.flatMap((name) => {
  const path = name.includes('-') ? `["${name}"]` : name
  const below = name.includes('-') ? path : `.${path}`
  return [path, `*${below}`, `*.*${below}`]
})

export interface LiveLog extends Log {
  /** A reload may change it. */
  setLevel(level: LogLevel): void
}

/**
 * JSON lines. By default they go to stderr, written at once: stdout belongs to what a command prints (the banner of `serve` too), and a line that is still in a
 * buffer when the process dies is the one that was needed.
 */
export function createLog(level: LogLevel, to: DestinationStream = pino.destination({ dest: 2, sync: true })): LiveLog {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redacted, censor: '[secret]' },
    },
    to,
  )
  return {
    debug: (fields, sentence) => log.debug(fields, sentence),
    info: (fields, sentence) => log.info(fields, sentence),
    warn: (fields, sentence) => log.warn(fields, sentence),
    error: (fields, sentence) => log.error(fields, sentence),
    setLevel(next) {
      log.level = next
    },
  }
}
