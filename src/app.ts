import { readFileSync } from 'node:fs'
import { dirname, join, resolve as absolute } from 'node:path'
import { difference } from './config/difference.ts'
import { loadConfiguration, type Loaded, type Overrides } from './config/load.ts'
import { secretsIn } from './config/masked.ts'
import { problemText } from './config/problem.ts'
import { isTrial, needsSimulator, placesOf, resolve, type Places, type Resolved } from './config/resolve.ts'
import type { Configuration } from './config/schema.ts'
import { adminToken, closeFolder, secretKey, trialKey } from './config/secret-key.ts'
import { rotationOf } from './config/secret-rotation.ts'
import { writeTemplate } from './config/template.ts'
import { watchConfiguration, type Watch } from './config/watch.ts'
import { systemClock } from './lib/clock.ts'
import { claimPidFile, removePidFile } from './lib/pid-file.ts'
import { createLog, type LiveLog } from './observe/log.ts'
import { behaviourOf } from './simulator/behaviour.ts'
import { startSimulator, type Simulator } from './simulator/server.ts'
import { StoreError } from './storage/store-error.ts'
import { openStore, type Store } from './storage/store.ts'
import { Parts } from './parts.ts'
import type { Tracer } from './ports/tracer.ts'

export interface GatewayOptions {
  /** The configuration file; written from the template where there is none. */
  readonly file: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly overrides: Overrides
  /** Default: JSON lines on stderr. */
  readonly log?: LiveLog
}

/** A gateway that serves. */
export interface Gateway {
  readonly url: string
  /** The key of the trial, while its pool is the trial's. */
  readonly trialKey: string | null
  /** Set when the admin token was made at this start. */
  readonly madeAdminToken: string | null
  /** The configuration file, where it was written from the template at this start. */
  readonly wrote: string | null
  /** Where the admin token is kept; null: the configuration names one. */
  readonly adminTokenFile: string | null
  /** Turns that run at this moment. */
  turnsOpen(): number
  /** Reads the configuration again, changed or not. */
  reload(): void
  /** Takes nothing new, finishes what runs, and ends. */
  drain(): Promise<void>
  /** Ends at once; running turns are cut off. */
  stop(): Promise<void>
}

export type Opened =
  | { readonly kind: 'open'; readonly gateway: Gateway }
  /** `exit`: 2 for a bad configuration, 1 for everything else. */
  | { readonly kind: 'failed'; readonly exit: 1 | 2; readonly sentences: readonly string[] }

/** A record that the store has not taken by then goes to the spool. Unit: milliseconds. */
const commitMs = 1000

/** What is wrong at the start, for the person who started it. */
class Unusable extends Error {
  readonly exit: 1 | 2
  readonly sentences: readonly string[]

  constructor(exit: 1 | 2, sentences: readonly string[]) {
    super(sentences.join('\n'))
    this.exit = exit
    this.sentences = sentences
  }
}

/** Reads the configuration, opens the store, and serves. Whatever is wrong comes back as sentences; what was opened before is closed again. */
export async function createGateway(options: GatewayOptions): Promise<Opened> {
  const opening = new Opening(options)
  try {
    return { kind: 'open', gateway: await opening.open() }
  } catch (error) {
    await opening.undo()
    if (error instanceof Unusable) return { kind: 'failed', exit: error.exit, sentences: error.sentences }
    throw error
  }
}

/** The steps of a start, and of its end in reverse. */
class Opening {
  readonly #options: GatewayOptions
  readonly #file: string
  readonly #undo: (() => Promise<void> | void)[] = []
  /** The configuration that holds; null: none yet. */
  #holds: Configuration | null = null

  constructor(options: GatewayOptions) {
    this.#options = options
    this.#file = absolute(options.file)
  }

  async open(): Promise<Gateway> {
    const wrote = this.#template()
    const configuration = this.#loaded(this.#load())
    this.#holds = configuration
    const places = placesOf(configuration, dirname(this.#file))
    const { data } = places
    closeFolder(data)
    const pidFile = join(data, 'turnout.pid')
    refuseSecond(claim(pidFile, data), data)
    this.#undo.push(() => removePidFile(pidFile, process.pid))
    const log = this.#options.log ?? createLog(configuration.log.level)
    log.hide(secretsIn(configuration))
    const [store, simulator] = await Promise.all([this.#store(places, configuration, log), this.#simulator(configuration)])
    const { key: secret, sealing: keys } = usable(secretKey(data, this.#options.environment))
    const trial = isTrial(configuration) ? usable(trialKey(data)).text : null
    const resolved = this.#resolve(configuration, { secret, simulator, trial })
    const own = resolved.adminToken === null ? usable(adminToken(data)) : null
    const token = resolved.adminToken ?? own?.text ?? ''
    const tracer = configuration.traces.enabled ? await tracerFor(log) : null
    const parts = new Parts({
      resolved,
      secret,
      sealing: rotationOf(data, this.#options.environment, keys),
      adminToken: token,
      store,
      log,
      version: versionOf(),
      tracer,
    })
    this.#undo.push(() => parts.stop())
    await parts.recall()
    const url = await this.#listen(parts, resolved.server)
    claimPidFile(pidFile, { pid: process.pid, url })
    parts.start()
    const watch = this.#watch(parts, log, (next) => {
      const again = this.#resolve(next, { secret, simulator, trial: isTrial(next) ? usable(trialKey(data)).text : null })
      return { resolved: again, token: again.adminToken ?? usable(adminToken(data)).text }
    })
    log.info({ url, accounts: resolved.accounts.length }, 'serving')
    return {
      url,
      trialKey: trial,
      madeAdminToken: own?.made === true ? own.text : null,
      wrote,
      adminTokenFile: own === null ? null : join(data, 'admin.token'),
      turnsOpen: () => parts.turnsOpen,
      reload: () => watch.reload(),
      drain: async () => {
        await parts.server.drain(resolved.settings.times.drainMs)
        await this.undo()
      },
      stop: async () => {
        await parts.server.drain(0)
        await this.undo()
      },
    }
  }

  /** Closes what was opened, the last first. */
  async undo(): Promise<void> {
    for (let step = this.#undo.pop(); step !== undefined; step = this.#undo.pop()) await step()
  }

  #template(): string | null {
    const written = writeTemplate(this.#file)
    if (written.kind === 'unwritable') throw new Unusable(1, [written.why])
    return written.kind === 'written' ? this.#file : null
  }

  #load(): Loaded {
    return loadConfiguration(this.#file, this.#options.environment, this.#options.overrides)
  }

  #loaded(loaded: Loaded): Configuration {
    if (loaded.kind === 'invalid') throw new Unusable(2, loaded.problems.map(problemText))
    return loaded.configuration
  }

  async #store({ store: file, spool }: Places, { ledger }: Configuration, log: LiveLog): Promise<Store> {
    try {
      const store = await openStore({ file, spool: { file: spool, bytes: ledger.spool }, clock: systemClock, commitMs, retentionMs: ledger.retention, log })
      this.#undo.push(() => store.close())
      return store
    } catch (error) {
      if (error instanceof StoreError) throw new Unusable(1, [error.message])
      throw error
    }
  }

  async #simulator(configuration: Configuration): Promise<Simulator | null> {
    if (!needsSimulator(configuration)) return null
    const simulator = await startSimulator()
    this.#undo.push(() => simulator.close())
    return simulator
  }

  #resolve(configuration: Configuration, parts: { readonly secret: Buffer; readonly simulator: Simulator | null; readonly trial: string | null }): Resolved {
    const { secret, simulator, trial } = parts
    const resolved = resolve(configuration, { folder: dirname(this.#file), secret, simulatorUrl: simulator?.url ?? null, trialKey: trial })
    for (const { account, credential, simulate } of resolved.accounts) {
      if (simulate !== null && credential.kind === 'api_key') simulator?.set(credential.apiKey, behaviourOf(account.id, simulate))
    }
    return resolved
  }

  async #listen(parts: Parts, { host, port }: Resolved['server']): Promise<string> {
    try {
      const at = await parts.server.listen(host, port)
      this.#undo.push(() => parts.server.drain(0))
      return `http://${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`
    } catch (error) {
      throw new Unusable(1, [whyNotListening(error, host, port)])
    }
  }

  #watch(parts: Parts, log: LiveLog, prepare: (next: Configuration) => { readonly resolved: Resolved; readonly token: string }): Watch {
    const changed = (loaded: Loaded): void => {
      if (loaded.kind === 'invalid') {
        parts.configurationWrong(loaded.problems)
        log.error({ problems: loaded.problems.map(problemText) }, 'the changed configuration is wrong: the last good one stays')
        return
      }
      try {
        const { resolved, token } = prepare(loaded.configuration)
        log.hide(secretsIn(loaded.configuration))
        parts.configure(resolved, token)
        log.info({ accounts: resolved.accounts.length }, 'the changed configuration holds from now on')
        this.#audit(parts, loaded.configuration)
      } catch (error) {
        log.error({ err: error }, 'the changed configuration could not be applied: the last good one stays')
      }
    }
    const watch = watchConfiguration({ file: this.#file, load: () => this.#load(), changed, clock: systemClock })
    this.#undo.push(() => watch.stop())
    return watch
  }

  #audit(parts: Parts, next: Configuration): void {
    const changes = this.#holds === null ? null : difference(this.#holds, next)
    this.#holds = next
    if (changes !== null) void parts.trail.record({ by: 'file', from: null, what: 'reload', target: this.#file, ...changes })
  }
}

/** Whoever holds the data already; null: nobody, and now it is this process. */
function claim(pidFile: string, data: string): ReturnType<typeof claimPidFile> {
  try {
    return claimPidFile(pidFile, { pid: process.pid, url: '' })
  } catch (error) {
    const isFull = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    if (!isFull) throw error
    throw new Unusable(1, [`The disk of the data folder ${data} is full. Make room and start again; what is on the books, or in the spool, is kept.`])
  }
}

function refuseSecond(holder: { readonly pid: number; readonly url: string } | null, data: string): void {
  if (holder === null) return
  throw new Unusable(1, [
    `Another gateway serves the data in ${data}: process ${holder.pid}${holder.url === '' ? ', which is starting' : `, at ${holder.url}`}. Stop it first, or give this one a folder of its own with --data.`,
  ])
}

function whyNotListening(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'EADDRINUSE')
    return `Port ${port} on ${host} is taken by another program. Stop that one, or choose another port with --port (0 takes any free one).`
  if (code === 'EACCES') return `Port ${port} needs rights that this user does not have. Choose a port above 1023 with --port.`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `This machine has no address ${host}. Use 127.0.0.1, 0.0.0.0, or one of its own with --host.`
  return `Cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : String(error)}.`
}

/** A secret, or the sentence that says why there is none. */
function usable<T extends { readonly kind: string }>(secret: T): Exclude<T, { readonly kind: 'unusable' }> {
  if (secret.kind === 'unusable' && 'why' in secret) throw new Unusable(1, [String(secret.why)])
  return secret as Exclude<T, { readonly kind: 'unusable' }>
}

/** Loaded only where it is wanted. */
async function tracerFor(log: LiveLog): Promise<Tracer> {
  const { isAnybodyThere, openTelemetry } = await import('./observe/trace.ts')
  if (!isAnybodyThere())
    log.warn({}, 'traces are on, and no OpenTelemetry SDK is loaded that takes them: start with NODE_OPTIONS="--import …", or set traces.enabled to false')
  return openTelemetry(versionOf())
}

/** Beside `src` and `dist` alike. */
function versionOf(): string {
  const described: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return typeof described === 'object' && described !== null && 'version' in described ? String(described.version) : 'unknown'
}
