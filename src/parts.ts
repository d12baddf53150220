import { randomUUIDv7 } from 'node:crypto'
import { AuditTrail } from './admin/audit.ts'
import { IssuedKeys } from './admin/issued-keys.ts'
import { adminRoutes } from './admin/routes.ts'
import { LiveCredentials, type SealingKeys } from './admin/live-credentials.ts'
import { LiveRules } from './admin/rules.ts'
import { problemText, type Problem } from './config/problem.ts'
import { keyHasher, type Resolved } from './config/resolve.ts'
import { parseRules } from './config/rules.ts'
import { newKeyText } from './config/secret-key.ts'
import { isSamePlace, type Account, type Credential } from './core/account.ts'
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
import type { Tracer } from './ports/tracer.ts'
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
import { listAccount } from './upstream/models.ts'
import { probeAccount } from './upstream/probe.ts'
import { smallTurn } from './upstream/small-turn.ts'
import { oauthTokens } from './upstream/refresh.ts'

/** What must stand before the parts are built: read, opened and found usable. */
export interface Foundation {
  readonly resolved: Resolved
  readonly secret: Buffer
  readonly sealing: SealingKeys
  readonly adminToken: string
  readonly store: Store
  readonly log: LiveLog
  readonly version: string
  /** Null, or left out: nobody follows turns. */
  readonly tracer?: Tracer | null
}

/** The parts of one gateway: each built once, and wired. What decides is in the parts; nothing is decided here. */
export class Parts {
  readonly server: Server
  /** What is served, and to whom. */
  readonly routes: readonly Route[]
  readonly accounts: LiveAccounts
  readonly trail: AuditTrail
  readonly #foundation: Foundation
  readonly #store: Store
  readonly #log: LiveLog
  readonly #rules: LiveRules
  readonly #startedAtMs = clock.now()
  readonly #keys: KeyRing
  readonly #issued: IssuedKeys
  readonly #limits = new MemoryLimits(clock)
  readonly #operators: Operators
  readonly #transport = httpTransport({ clock })
  readonly #credentials: LiveCredentials
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
    this.trail = new AuditTrail({ clock, log, audit: store.audit, newId: () => randomUUIDv7() })
    this.#keys = new KeyRing(keyHasher(secret), clock)
    this.#issued = new IssuedKeys({
      clock,
      log,
      entities: store.entities,
      makeText: newKeyText,
      hash: (text) => keyHasher(secret).hash(text),
      publish: (keys) => this.#keys.replace(keys),
    })
    this.#operators = new Operators(keyHasher(secret), { admin: adminToken, metrics: resolved.metricsToken })
    this.accounts = new LiveAccounts({
      clock,
      dice,
      bounds: () => this.#resolved.settings.bounds,
      keep: (memory) =>
        void store.memories.keep(memory).catch((error: unknown) => log.error({ err: error, account: memory.account }, 'the health of an account was not kept')),
      suspect: (account) => this.#probes.suspect(account),
      renew: (account) => this.#credentials.renew(account),
    })
    this.#credentials = new LiveCredentials({
      clock,
      dice,
      log,
      entities: store.entities,
      accounts: this.accounts,
      sealing: foundation.sealing,
      tokens: oauthTokens({ transport: this.#transport, clock }),
      renewed: (account) => {
        this.#sockets.forget(account)
        void this.#listings.again(account)
      },
    })
    const probe = (account: Account, credential: Credential) => this.#credentials.probe(account, () => probeBy(this.#transport, account, credential))
    this.#probes = new Probes({ clock, log, accounts: this.accounts, probe })
    this.#listings = new Listings({
      clock,
      accounts: this.accounts,
      list: (account, credential) => listAccount({ transport: this.#transport, clock }, account, credential),
    })
    this.#metrics = new PrometheusMetrics(this.#gauges())
    this.#refuser = new Refuser({ dialect: responses, metrics: this.#metrics, log })
    const world = this.#world()
    this.#sessions = new Sessions(this.#sessionDoor(world))
    this.routes = this.#routes(world)
    this.server = new Server({
      routes: this.routes,
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
    this.#credentials.configure(next.accounts, next.pools)
    this.#issued.configure(next.keys)
    this.#operators.replace({ admin: adminToken, metrics: next.metricsToken })
    this.#log.setLevel(next.logLevel)
    this.#store.keepTurns(next.retentionMs)
    this.#store.onFailure(next.onLedgerFailure)
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
    const [memories] = await Promise.all([
      this.#store.memories.all(),
      this.#rules.load(),
      this.#issued.load(),
      this.#limits.recall(this.#store.spending),
      this.#credentials.load(),
    ])
    this.accounts.recall(memories)
    this.#credentials.retireUnusable()
  }

  /** Begins what goes on by itself: probes and lists of models. */
  start(): void {
    this.#credentials.start()
    this.#probes.start()
    this.#listings.start()
  }

  /** Ends it, and breaks off what is still sent upstream. */
  async stop(): Promise<void> {
    this.#probes.stop()
    this.#listings.stop()
    await this.#credentials.finish(finishMs)
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
      limits: this.#limits,
      owners: this.#store.owners,
      origins: new RememberedOrigins(clock),
      metrics: this.#metrics,
      tracer: this.#foundation.tracer ?? null,
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
        trail: this.trail,
        audit: this.#store.audit,
        accounts: this.accounts,
        turns: this.#store.turns,
        usage: this.#store.usage,
        rules: this.#rules,
        keys: this.#issued,
        credentials: this.#credentials,
        poolNames: () => [...this.accounts.pools()].map(([id]) => id),
        smallTurn: (account, credential, model) => smallTurn({ transport: this.#transport, clock, dialect: responses }, { account, credential, model }),
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
      ready: () => this.#readiness().ready,
      configurationWrong: () => this.#config.error !== null,
      version: this.#foundation.version,
    }
  }

  #readiness(): Readiness {
    if (this.server.draining) return { ready: false, reason: 'the gateway is shutting down' }
    if (!this.#store.ready()) return { ready: false, reason: 'the store does not commit' }
    const serving = this.accounts.all().some((live) => live.state(clock.now()) === 'ready' || live.state(clock.now()) === 'cooling')
    return serving ? { ready: true } : { ready: false, reason: 'every account is retired or disabled' }
  }
}

/** How long the end waits for a token that is being renewed. Unit: milliseconds. */
const finishMs = 10_000

function probeBy(transport: Transport, account: Account, credential: Credential): Promise<Probed> {
  return probeAccount({ transport, clock, readError: (body) => responses.readError(body) }, account, credential)
}
