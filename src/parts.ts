import { randomUUIDv7 } from 'node:crypto'
import { AuditTrail } from './admin/audit.ts'
import { IssuedKeys } from './admin/issued-keys.ts'
import { adminRoutes } from './admin/routes.ts'
import type { SealingKeys } from './admin/live-credentials.ts'
import { LiveRules } from './admin/rules.ts'
import { problemText, type Problem } from './config/problem.ts'
import { keyHasher, type Resolved } from './config/resolve.ts'
import { parseRules } from './config/rules.ts'
import { newKeyText } from './config/secret-key.ts'
import type { AccountId, TurnId } from './core/ids.ts'
import { responses } from './dialect/responses/responses.ts'
import { systemClock as clock, systemDice as dice } from './lib/clock.ts'
import type { LiveLog } from './observe/log.ts'
import { PrometheusMetrics, type Gauges } from './observe/metrics.ts'
import type { LiveAccounts } from './pool/accounts.ts'
import { RememberedOrigins } from './pool/origins.ts'
import type { Route } from './ports/routes.ts'
import type { Settings } from './ports/settings.ts'
import type { Tracer } from './ports/tracer.ts'
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
import { Upkeep } from './upkeep.ts'

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
  readonly #upkeep: Upkeep
  readonly #bodies = new Bodies()
  readonly #open = new OpenTurns()
  readonly #metrics: PrometheusMetrics
  readonly #refuser: Refuser
  readonly #sessions: Sessions
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
    this.#upkeep = new Upkeep({ store, log, sealing: foundation.sealing, bounds: () => this.#resolved.settings.bounds })
    this.#metrics = new PrometheusMetrics(this.#gauges())
    this.#refuser = new Refuser({ metrics: this.#metrics, log })
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

  get accounts(): LiveAccounts {
    return this.#upkeep.accounts
  }

  /** Takes over a configuration whole; open turns keep the policy that they began with. */
  configure(next: Resolved, adminToken: string): void {
    this.#upkeep.configure(this.#resolved, next)
    this.#resolved = next
    this.#config = { loadedAtMs: clock.now(), error: null }
    this.#rules.configure(next.rules)
    this.#issued.configure(next.keys)
    this.#operators.replace({ admin: adminToken, metrics: next.metricsToken })
    this.#log.setLevel(next.logLevel)
    this.#store.keepTurns(next.retentionMs)
    this.#store.onFailure(next.onLedgerFailure)
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
      this.#upkeep.load(),
    ])
    this.#upkeep.recall(memories)
  }

  /** Begins what goes on by itself. */
  start(): void {
    this.#upkeep.start()
  }

  /** Ends it, and breaks off what is still sent upstream. */
  async stop(): Promise<void> {
    await this.#upkeep.stop()
  }

  #world(): World {
    return {
      clock,
      dice,
      accounts: this.accounts,
      transport: this.#upkeep.transport,
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
      sockets: this.#upkeep.sockets,
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
        bodies: this.#bodies,
        bodyIdleMs: serverLimits.headersMs,
        run: (ask, sink, signal) => runTurn(world, ask, sink, signal),
      }),
      sessionRoute(this.#refuser),
      ...responsesRoutes({ ...common, owners: this.#store.owners, transport: this.#upkeep.transport, owned: (account) => this.accounts.find(account) }),
      ...modelsRoutes({
        refuser: this.#refuser,
        sinceMs: clock.now(),
        accounts: () => this.accounts.all().map(({ account }) => account),
        pools,
        listed: (account) => this.#upkeep.listed(account),
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
        credentials: this.#upkeep.credentials,
        poolNames: () => [...this.accounts.pools()].map(([id]) => id),
        smallTurn: (account, credential, model) => this.#upkeep.smallTurn(account, credential, model),
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
