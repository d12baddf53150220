import { randomUUIDv7 } from 'node:crypto'
import { adminRoutes } from './admin/routes.ts'
import { LiveRules } from './admin/rules.ts'
import { problemText, type Problem } from './config/problem.ts'
import { keyHasher, type Resolved } from './config/resolve.ts'
import { parseRules } from './config/rules.ts'
import type { Account, Credential } from './core/account.ts'
import type { AccountId, TurnId } from './core/ids.ts'
import { responses } from './dialect/responses/responses.ts'
import { systemClock as clock, systemDice as dice } from './lib/clock.ts'
import type { LiveLog } from './observe/log.ts'
import { PrometheusMetrics, type Gauges } from './observe/metrics.ts'
import { LiveAccounts } from './pool/accounts.ts'
import { Listings } from './pool/listings.ts'
import { RememberedOrigins } from './pool/origins.ts'
import { Probes, type Probed } from './pool/probes.ts'
import type { Route } from './ports/routes.ts'
import type { Settings } from './ports/settings.ts'
import type { Transport } from './ports/transport.ts'
import { Bodies } from './server/bodies.ts'
import { healthRoutes, type Readiness } from './server/health-routes.ts'
import { turnRoutes } from './server/http-turn.ts'
import { KeyRing, Operators } from './server/identify.ts'
import { MemoryLimits } from './server/limits.ts'
import { modelsRoutes } from './server/models-route.ts'
import { OpenTurns } from './server/open-turns.ts'
import { Refuser } from './server/refuse.ts'
import { responsesRoutes } from './server/responses-routes.ts'
import { FrameReader } from './server/frame-reader.ts'
import type { SessionDoor } from './server/session-door.ts'
import { Sessions, sessionRoute } from './server/sessions.ts'
import { Transcripts } from './server/transcripts.ts'
import { Server, serverLimits } from './server/server.ts'
import type { Store } from './storage/store.ts'
import { runTurn } from './turn/run-turn.ts'
import type { World } from './turn/world.ts'
import { httpTransport } from './upstream/http.ts'
import { websocketSockets } from './upstream/sockets.ts'
import { listModels } from './upstream/models.ts'
import { probeAccount } from './upstream/probe.ts'

/** What must stand before the parts are built: read, opened and found usable. */
export interface Foundation {
  readonly resolved: Resolved
  readonly secret: Buffer
  readonly adminToken: string
  readonly store: Store
  readonly log: LiveLog
  readonly version: string
}

/** How long a list of models may take in all. Unit: milliseconds. */
const listMs = 70_000

/** The parts of one gateway: each built once, and wired. What decides is in the parts; nothing is decided here. */
export class Parts {
  readonly server: Server
  readonly accounts: LiveAccounts
  readonly #foundation: Foundation
  readonly #store: Store
  readonly #log: LiveLog
  readonly #rules: LiveRules
  readonly #startedAtMs = clock.now()
  readonly #keys: KeyRing
  readonly #operators: Operators
  readonly #transport = httpTransport({ clock })
  readonly #probes: Probes
  readonly #listings: Listings
  readonly #bodies = new Bodies()
  readonly #open = new OpenTurns()
  readonly #metrics: PrometheusMetrics
  readonly #refuser: Refuser
  readonly #sessions: Sessions
  readonly #sockets = websocketSockets({ clock })
  readonly #transcripts = new Transcripts(() => this.#resolved.settings.bounds.transcriptsBytes)
  #resolved: Resolved
  #settings: Settings
  #config: { loadedAtMs: number; error: string | null } = { loadedAtMs: clock.now(), error: null }

  constructor(foundation: Foundation) {
    const { resolved, secret, adminToken, store, log } = foundation
    this.#foundation = foundation
    this.#resolved = resolved
    this.#rules = new LiveRules({ entities: store.entities, parse: parseRules })
    this.#settings = { ...resolved.settings, rules: this.#rules.current() }
    this.#store = store
    this.#log = log
    this.#keys = new KeyRing(keyHasher(secret))
    this.#operators = new Operators(keyHasher(secret), { admin: adminToken, metrics: resolved.metricsToken })
    this.accounts = new LiveAccounts({
      clock,
      dice,
      bounds: () => this.#resolved.settings.bounds,
      keep: (memory) =>
        void store.memories.keep(memory).catch((error: unknown) => log.error({ err: error, account: memory.account }, 'the health of an account was not kept')),
      suspect: (account) => this.#probes.suspect(account),
    })
    this.#probes = new Probes({ clock, log, accounts: this.accounts, probe: (account, credential) => probeBy(this.#transport, account, credential) })
    this.#listings = new Listings({ clock, accounts: this.accounts, list: (account, credential) => listBy(this.#transport, account, credential) })
    this.#metrics = new PrometheusMetrics(this.#gauges())
    this.#refuser = new Refuser({ dialect: responses, metrics: this.#metrics, log })
    const world = this.#world()
    this.#sessions = new Sessions(this.#sessionDoor(world))
    this.server = new Server({
      routes: this.#routes(world),
      keys: this.#keys,
      operators: this.#operators,
      refuser: this.#refuser,
      open: this.#open,
      sessions: this.#sessions,
      clock,
      log,
      limits: serverLimits,
      newId: () => randomUUIDv7() as TurnId,
    })
    this.configure(resolved, adminToken)
  }

  get turnsOpen(): number {
    return this.#open.size
  }

  /** Takes over a configuration whole; open turns keep the policy that they began with. */
  configure(next: Resolved, adminToken: string): void {
    const now = new Map(next.accounts.map(({ account }) => [account.id, account]))
    for (const { account } of this.#resolved.accounts) {
      const stays = now.get(account.id)
      if (stays === undefined) this.#transport.forget(account.id)
      // A socket was opened with what the account was then.
      if (stays === undefined || !isSamePlace(account, stays)) this.#sockets.forget(account.id)
    }
    this.#resolved = next
    this.#config = { loadedAtMs: clock.now(), error: null }
    this.#rules.configure(next.rules)
    this.accounts.configure(next.accounts, next.pools)
    this.#keys.replace(next.keys)
    this.#operators.replace({ admin: adminToken, metrics: next.metricsToken })
    this.#log.setLevel(next.logLevel)
    this.#store.keepTurns(next.retentionMs)
    void this.#listings.refresh()
  }

  /** A changed configuration was wrong: the last good one stays, and the error is shown. */
  configurationWrong(problems: readonly Problem[]): void {
    this.#config = { ...this.#config, error: problems.map(problemText).join('\n') }
    const inRules = problems.filter(({ path }) => path.startsWith('rules'))
    if (inRules.length > 0) this.#rules.broken(inRules.map(problemText).join('\n'))
  }

  /** Takes over what an earlier process has learnt and the operator has stored. Rejects when the store does not answer. */
  async recall(): Promise<void> {
    const [memories] = await Promise.all([this.#store.memories.all(), this.#rules.load()])
    this.accounts.recall(memories)
  }

  /** Begins what goes on by itself: probes and lists of models. */
  start(): void {
    this.#probes.start()
    this.#listings.start()
  }

  /** Ends it, and breaks off what is still sent upstream. */
  stop(): void {
    this.#probes.stop()
    this.#listings.stop()
    this.#transport.close()
    this.#sockets.close()
  }

  #world(): World {
    return {
      clock,
      dice,
      accounts: this.accounts,
      transport: this.#transport,
      ledger: this.#store.ledger,
      limits: new MemoryLimits(),
      owners: this.#store.owners,
      origins: new RememberedOrigins(clock),
      metrics: this.#metrics,
      log: this.#log,
      settings: () => this.#settingsNow(),
    }
  }

  /** One object until something changes, since every turn asks. */
  #settingsNow(): Settings {
    const rules = this.#rules.current()
    if (this.#settings.rules !== rules || this.#settings.times !== this.#resolved.settings.times) this.#settings = { ...this.#resolved.settings, rules }
    return this.#settings
  }

  #sessionDoor(world: World): SessionDoor {
    const settings = (): Settings => this.#settingsNow()
    return {
      clock,
      log: this.#log,
      dialect: responses,
      reader: new FrameReader({ dialect: responses, bodies: this.#bodies, refuser: this.#refuser, settings }),
      transcripts: this.#transcripts,
      sockets: this.#sockets,
      open: this.#open,
      lingerMs: serverLimits.lingerMs,
      settings,
      newId: () => randomUUIDv7() as TurnId,
      account: (id) => this.accounts.find(id)?.account ?? null,
      run: (ask, sink, signal) => runTurn(world, ask, sink, signal),
    }
  }

  #routes(world: World): readonly Route[] {
    const settings = (): Settings => this.#settingsNow()
    const common = { clock, refuser: this.#refuser, open: this.#open, settings }
    const pools = () => [...this.accounts.pools()].map(([id, accounts]) => ({ id, accounts }))
    return [
      ...turnRoutes({
        ...common,
        dialect: responses,
        bodies: this.#bodies,
        bodyIdleMs: serverLimits.headersMs,
        run: (ask, sink, signal) => runTurn(world, ask, sink, signal),
      }),
      sessionRoute(this.#refuser),
      ...responsesRoutes({ ...common, owners: this.#store.owners, transport: this.#transport, owned: (account) => this.accounts.find(account) }),
      ...modelsRoutes({
        refuser: this.#refuser,
        sinceMs: clock.now(),
        accounts: () => this.accounts.all().map(({ account }) => account),
        pools,
        listed: (account) => this.#listings.listed(account),
      }),
      ...adminRoutes({
        clock,
        log: this.#log,
        accounts: this.accounts,
        turns: this.#store.turns,
        rules: this.#rules,
        probe: (account, credential) => probeBy(this.#transport, account, credential),
        standing: () => ({
          version: this.#foundation.version,
          startedAtMs: this.#startedAtMs,
          config: this.#config,
          ready: this.#readiness().ready,
          turnsOpen: this.turnsOpen,
          sessions: this.#sessions.size,
        }),
      }),
      ...healthRoutes({ readiness: () => this.#readiness(), metrics: () => this.#metrics.scrape() }),
    ]
  }

  #gauges(): Gauges {
    return {
      leases: () => this.accounts.all().map((live): readonly [AccountId, number] => [live.account.id, live.inFlight]),
      health: () => this.accounts.all().map((live) => [live.account.id, live.state(clock.now())] as const),
      sessions: () => this.#sessions.size,
      bufferedBytes: () => [['bodies', this.#bodies.bytes] as const, ['transcripts', this.#transcripts.bytes] as const],
      ledgerLag: () => this.#store.ledger.lag(),
    }
  }

  #readiness(): Readiness {
    if (this.server.draining) return { ready: false, reason: 'the gateway is shutting down' }
    if (!this.#store.ready()) return { ready: false, reason: 'the store does not commit' }
    const serving = this.accounts.all().some((live) => live.state(clock.now()) === 'ready' || live.state(clock.now()) === 'cooling')
    return serving ? { ready: true } : { ready: false, reason: 'every account is retired or disabled' }
  }
}

/** Whether what was opened for the one serves the other. */
function isSamePlace(a: Account, b: Account): boolean {
  return a.generation === b.generation && a.baseUrl === b.baseUrl && a.proxy === b.proxy && a.allowPrivate === b.allowPrivate
}

function probeBy(transport: Transport, account: Account, credential: Credential): Promise<Probed> {
  return probeAccount({ transport, clock, readError: (body) => responses.readError(body) }, account, credential)
}

async function listBy(transport: Transport, account: Account, credential: Credential): Promise<readonly string[] | null> {
  const signal = AbortSignal.timeout(listMs)
  try {
    return await listModels({ transport, clock }, account, credential, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    return null
  }
}
