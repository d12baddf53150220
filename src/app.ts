import { randomUUIDv7 } from 'node:crypto'
import { keyHasher, type Resolved } from './config/resolve.ts'
import type { Account, Credential } from './core/account.ts'
import type { AccountId, TurnId, UpstreamModel } from './core/ids.ts'
import { defaultRules } from './core/policy.ts'
import { responses } from './dialect/responses/responses.ts'
import { systemClock as clock, systemDice as dice } from './lib/clock.ts'
import type { LiveLog } from './observe/log.ts'
import { PrometheusMetrics } from './observe/metrics.ts'
import { LiveAccounts } from './pool/accounts.ts'
import { Listings } from './pool/listings.ts'
import { RememberedOrigins } from './pool/origins.ts'
import { Probes, type Probed } from './pool/probes.ts'
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
import { Server, serverLimits } from './server/server.ts'
import type { Store } from './storage/store.ts'
import { runTurn } from './turn/run-turn.ts'
import type { World } from './turn/world.ts'
import { httpTransport, type HttpTransport } from './upstream/http.ts'
import { listModels } from './upstream/models.ts'
import { probe } from './upstream/probe.ts'

/** What must stand before the parts are built: read, opened and found usable. */
export interface Foundation {
  readonly resolved: Resolved
  readonly secret: Buffer
  readonly adminToken: string
  readonly store: Store
  readonly log: LiveLog
}

/** The parts of one gateway, each built once and wired. */
export interface App {
  readonly server: Server
  readonly accounts: LiveAccounts
  /** Takes over a configuration whole; open turns keep the policy that they began with. */
  configure(resolved: Resolved, adminToken: string): void
  /** Begins what goes on by itself: probes and lists of models. */
  start(): void
  /** Ends it, and breaks off what is still sent upstream. */
  stop(): void
}

/** How long a probe may take in all. Unit: milliseconds. */
const probeMs = 70_000

export function buildApp({ resolved, secret, adminToken, store, log }: Foundation): App {
  let current = resolved
  const settings = (): Settings => ({ ...current.settings, rules: current.rules ?? defaultRules })
  const transport = httpTransport({ clock })
  const accounts = new LiveAccounts({
    clock,
    dice,
    bounds: () => current.settings.bounds,
    keep: (memory) =>
      void store.memories.keep(memory).catch((error: unknown) => log.error({ err: error, account: memory.account }, 'the health of an account was not kept')),
    suspect: (account) => probes.suspect(account),
  })
  const probes = new Probes({ clock, log, accounts, probe: probeBy(transport) })
  const listings = new Listings({ clock, accounts, list: (account, credential) => listBy(transport, account, credential) })
  const bodies = new Bodies()
  const open = new OpenTurns()
  const metrics = new PrometheusMetrics(gauges(accounts, bodies, store))
  const refuser = new Refuser({ dialect: responses, metrics, log })
  const keys = new KeyRing(keyHasher(secret))
  const operators = new Operators(keyHasher(secret), { admin: adminToken, metrics: resolved.metricsToken })
  const world: World = {
    clock,
    dice,
    accounts,
    transport,
    ledger: store.ledger,
    limits: new MemoryLimits(),
    owners: store.owners,
    origins: new RememberedOrigins(clock),
    metrics,
    log,
    settings,
  }
  const live = () => accounts.all().map(({ account }) => account)
  const pools = () => [...accounts.pools()].map(([id, members]) => ({ id, accounts: members }))
  const server: Server = new Server({
    routes: [
      ...turnRoutes({
        clock,
        dialect: responses,
        refuser,
        bodies,
        open,
        bodyIdleMs: serverLimits.headersMs,
        settings,
        run: (ask, sink, signal) => runTurn(world, ask, sink, signal),
      }),
      ...responsesRoutes({ owners: store.owners, transport, refuser, open, clock, settings, owned: (account) => accounts.find(account) }),
      ...modelsRoutes({ refuser, sinceMs: clock.now(), accounts: live, pools, listed: (account) => listings.listed(account) }),
      ...healthRoutes({ readiness: () => readiness(server, accounts, store), metrics: () => metrics.scrape() }),
    ],
    keys,
    operators,
    refuser,
    open,
    clock,
    log,
    limits: serverLimits,
    newId: () => randomUUIDv7() as TurnId,
  })
  const configure = (next: Resolved, token: string): void => {
    for (const { account } of current.accounts) if (!next.accounts.some((kept) => kept.account.id === account.id)) transport.forget(account.id)
    current = next
    accounts.configure(next.accounts, next.pools)
    keys.replace(next.keys)
    operators.replace({ admin: token, metrics: next.metricsToken })
    log.setLevel(next.logLevel)
    store.keepTurns(next.retentionMs)
    void listings.refresh()
  }
  configure(resolved, adminToken)
  return {
    server,
    accounts,
    configure,
    start() {
      probes.start()
      listings.start()
    },
    stop() {
      probes.stop()
      listings.stop()
      transport.close()
    },
  }
}

/** An account is probed with the first model that its mapping names, where it names one. */
function probeBy(transport: Transport): (account: Account, credential: Credential) => Promise<Probed> {
  return async (account, credential) => {
    const [model] = account.mapping.exact.values()
    const signal = AbortSignal.timeout(probeMs)
    try {
      return await probe({ transport, clock, readError: responses.readError }, { account, credential, model: (model ?? null) as UpstreamModel | null, signal })
    } catch (error) {
      if (signal.aborted) return { kind: 'unwell', signal: { kind: 'silent', waitingFor: 'whole-answer' } }
      throw error
    }
  }
}

async function listBy(transport: HttpTransport, account: Account, credential: Credential): Promise<readonly string[] | null> {
  return listModels({ transport, clock }, account, credential, AbortSignal.timeout(probeMs)).catch(() => null)
}

function gauges(accounts: LiveAccounts, bodies: Bodies, store: Store): ConstructorParameters<typeof PrometheusMetrics>[0] {
  return {
    leases: () => accounts.all().map((live): readonly [AccountId, number] => [live.account.id, live.inFlight]),
    health: () => accounts.all().map((live) => [live.account.id, live.state(clock.now())] as const),
    sessions: () => 0,
    bufferedBytes: () => [['bodies', bodies.bytes] as const],
    ledgerLag: () => store.ledger.lag(),
  }
}

function readiness(server: Server, accounts: LiveAccounts, store: Store): Readiness {
  if (server.draining) return { ready: false, reason: 'the gateway is shutting down' }
  if (!store.ready()) return { ready: false, reason: 'the store does not commit' }
  const serving = accounts.all().some((live) => live.enabled && live.self.condition.health.kind !== 'retired')
  return serving ? { ready: true } : { ready: false, reason: 'every account is retired or disabled' }
}
