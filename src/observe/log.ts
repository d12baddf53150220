import { pino, stdSerializers, type DestinationStream } from 'pino'
import { systemClock, type Clock } from '../lib/clock.ts'
import { hiddenByLook, KnownSecrets } from '../lib/hide.ts'
import type { Log } from '../ports/log.ts'
import { Lines } from './lines.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Members that hold secrets wherever they turn up. Nobody passes them; should someone, they do not get out. */
const secretNames: ReadonlySet<string> = new Set([
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
])
/** Objects inside objects that are searched for secrets; what lies deeper is not shown at all. */
const depthMax = 4

type Fields = { readonly [name: string]: unknown }

export interface LiveLog extends Log {
  /** A reload may change it. */
  setLevel(level: LogLevel): void
  /** Texts that must be in no line about something that went wrong: the message of a bug may hold whatever it tripped over. */
  hide(secrets: Iterable<string>): void
}

/**
 * JSON lines. By default they go to stderr: stdout belongs to what a command prints (the banner of `serve` too). What says that something is wrong is written
 * at once, and so is the rest when the process ends: a line that is still in a buffer when it dies is the one that was needed.
 */
export function createLog(level: LogLevel, to: DestinationStream = standardError()): LiveLog {
  const log = pino(
    {
      level,
      base: null,
      timestamp: memberTime(systemClock),
      formatters: { level: (label) => ({ level: label }), log: (fields) => masked(fields, depthMax) },
    },
    to,
  )
  let secrets = new KnownSecrets([])
  const careful = (fields: Fields): Fields => rewrittenFields(fields, (text) => hiddenByLook(secrets.hide(text)), depthMax)
  return {
    debug: (fields, sentence) => log.debug(fields, sentence),
    info: (fields, sentence) => log.info(fields, sentence),
    warn: (fields, sentence) => log.warn(fields, sentence),
    error: (fields, sentence) => log.error(careful(fields as Fields), sentence),
    setLevel(next) {
      log.level = next
    },
    hide(next) {
      secrets = new KnownSecrets(next)
    },
  }
}

/** The `time` of a line. Many lines are of one millisecond, and writing a date out costs a quarter of a line. */
function memberTime(clock: Clock): () => string {
  let writtenMs = 0
  let written = ''
  return () => {
    const nowMs = clock.now()
    if (nowMs !== writtenMs) {
      writtenMs = nowMs
      written = `,"time":"${new Date(nowMs).toISOString()}"`
    }
    return written
  }
}

function standardError(): DestinationStream {
  const out = pino.destination({ dest: 2, sync: true })
  const lines = new Lines((text) => out.write(text), systemClock)
  process.on('exit', () => lines.flush())
  return lines
}

/** The very fields where no secret is among them, which is always: looking is far cheaper than the rewriting that a library for it does with each line. */
function masked(fields: Fields, depth: number): Fields {
  let copy: { [name: string]: unknown } | null = null
  for (const name in fields) {
    const value = fields[name]
    const shown = secretNames.has(name) ? '[secret]' : typeof value === 'object' && value !== null ? inside(value, depth) : value
    if (shown !== value) (copy ??= { ...fields })[name] = shown
  }
  return copy ?? fields
}

function inside(value: object, depth: number): unknown {
  if (depth === 0) return '[too deep]'
  if (Array.isArray(value)) return value.some((item) => typeof item === 'object') ? value.map((item: object) => inside(item, depth - 1)) : value
  return masked((value instanceof Error ? stdSerializers.err(value) : value) as Fields, depth - 1)
}

/** The fields with every text rewritten. */
function rewrittenFields(fields: Fields, rewrite: (text: string) => string, depth: number): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, rewritten(value, rewrite, depth)]))
}

function rewritten(value: unknown, rewrite: (text: string) => string, depth: number): unknown {
  if (typeof value === 'string') return rewrite(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return '[too deep]'
  if (Array.isArray(value)) return value.map((item: unknown) => rewritten(item, rewrite, depth - 1))
  return rewrittenFields((value instanceof Error ? stdSerializers.err(value) : value) as Fields, rewrite, depth - 1)
}
