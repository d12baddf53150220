import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { shownTest } from '../admin/shown.ts'
import type { TestedShape } from '../admin/contract.ts'
import { needsSimulator, resolve, type Resolved } from '../config/resolve.ts'
import { secretKey, secretKeyFile, type SecretKey } from '../config/secret-key.ts'
import type { Account, Credential } from '../core/account.ts'
import type { UpstreamModel } from '../core/ids.ts'
import { dialectNamed } from '../dialect/registry.ts'
import { systemClock as clock } from '../lib/clock.ts'
import type { Probed } from '../pool/probes.ts'
import { behaviourOf } from '../simulator/behaviour.ts'
import { startSimulator, type Simulator } from '../simulator/server.ts'
import { httpTransport, type HttpTransport } from '../upstream/http.ts'
import { probeAccount } from '../upstream/probe.ts'
import { smallTurn, type SmallTurn } from '../upstream/small-turn.ts'
import { withKeptTokens } from './kept-tokens.ts'
import type { Place } from './place.ts'
import type { Surroundings } from './surroundings.ts'

/** Accounts that are asked at once. */
const atOnce = 8

/** Where newer tokens may be than those of the configuration. */
interface Kept {
  readonly store: string
  readonly sealing: readonly Buffer[]
}

/** The accounts of a configuration, reached from this process rather than from a gateway that serves. */
export class Reach {
  readonly resolved: Resolved
  readonly #transport: HttpTransport
  readonly #simulator: Simulator | null
  readonly #kept: Kept

  constructor(resolved: Resolved, simulator: Simulator | null, kept: Kept) {
    this.resolved = resolved
    this.#simulator = simulator
    this.#kept = kept
    this.#transport = httpTransport({ clock })
  }

  /** What an upstream says of this account. Never rejects, and takes a bounded time. */
  #probe(account: Account, credential: Credential): Promise<Probed> {
    return probeAccount({ transport: this.#transport, clock, dialectNamed }, account, credential)
  }

  /** One turn of a few tokens. Never rejects, and takes a bounded time. */
  smallTurn(account: Account, credential: Credential, model: UpstreamModel | null): Promise<SmallTurn> {
    return smallTurn({ transport: this.#transport, clock, dialectNamed }, { account, credential, model })
  }

  /** Asks every account once, with the newest token that it has, a few at a time; the answers stand in the order of the configuration. */
  async testAll(): Promise<readonly TestedShape[]> {
    const { accounts } = await withKeptTokens(this.#kept.store, this.#kept.sealing, this.resolved)
    const tested: TestedShape[] = []
    const waiting = accounts.entries()
    const work = async (): Promise<void> => {
      for (const [at, { account, credential }] of waiting) {
        const beganMs = clock.now()
        const probed = await this.#probe(account, credential)
        tested[at] = shownTest({ account, tookMs: clock.now() - beganMs }, probed, clock.now())
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    return tested
  }

  async close(): Promise<void> {
    this.#transport.close()
    await this.#simulator?.close()
  }
}

/** Where accounts are simulated in the serving process, a simulator like that one's is started for them. Makes no file. */
export async function openReach({ file, configuration, places }: Place, { environment }: Surroundings): Promise<Reach> {
  const simulator = needsSimulator(configuration) ? await startSimulator() : null
  const { key: secret, sealing } = secretsOf(places.data, environment)
  const resolved = resolve(configuration, {
    folder: dirname(file),
    secret,
    simulatorUrl: simulator?.url ?? null,
    trialKey: null,
  })
  for (const { account, credential, simulate } of resolved.accounts) {
    if (simulate !== null && credential.kind === 'api_key') simulator?.set(credential.apiKey, behaviourOf(account.id, simulate))
  }
  return new Reach(resolved, simulator, { store: places.store, sealing })
}

/** Whether something may have been stored under a secret. */
export function hasSecret(data: string, environment: Surroundings['environment']): boolean {
  return existsSync(join(data, secretKeyFile)) || (environment['TURNOUT_SECRET_KEY'] ?? '') !== ''
}

/** The installation's own secrets, by which what was learnt of a credential is known again; where there are none yet, any will do. */
function secretsOf(data: string, environment: Surroundings['environment']): Omit<Extract<SecretKey, { kind: 'secret' }>, 'kind'> {
  const kept = hasSecret(data, environment) ? secretKey(data, environment) : null
  if (kept?.kind === 'secret') return kept
  const key = randomBytes(32)
  return { key, sealing: [key] }
}
