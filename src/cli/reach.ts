import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { shownTest } from '../admin/shown.ts'
import type { TestedShape } from '../admin/contract.ts'
import { needsSimulator, resolve, type Resolved } from '../config/resolve.ts'
import { secretKey } from '../config/secret-key.ts'
import type { Account, Credential } from '../core/account.ts'
import { responses } from '../dialect/responses/responses.ts'
import { systemClock as clock } from '../lib/clock.ts'
import type { Probed } from '../pool/probes.ts'
import { behaviourOf } from '../simulator/behaviour.ts'
import { startSimulator, type Simulator } from '../simulator/server.ts'
import { httpTransport, type HttpTransport } from '../upstream/http.ts'
import { probeAccount } from '../upstream/probe.ts'
import type { Place } from './place.ts'
import type { Surroundings } from './surroundings.ts'

/** Accounts that are asked at once. */
const atOnce = 8

/** The accounts of a configuration, reached from this process rather than from a gateway that serves. */
export class Reach {
  readonly resolved: Resolved
  readonly #transport: HttpTransport
  readonly #simulator: Simulator | null

  constructor(resolved: Resolved, simulator: Simulator | null) {
    this.resolved = resolved
    this.#simulator = simulator
    this.#transport = httpTransport({ clock })
  }

  /** What an upstream says of this account. Never rejects, and takes a bounded time. */
  probe(account: Account, credential: Credential): Promise<Probed> {
    return probeAccount({ transport: this.#transport, clock, readError: (body) => responses.readError(body) }, account, credential)
  }

  /** Asks every account once, a few at a time; the answers stand in the order of the configuration. */
  async testAll(): Promise<readonly TestedShape[]> {
    const { accounts } = this.resolved
    const tested: TestedShape[] = []
    const waiting = accounts.entries()
    const work = async (): Promise<void> => {
      for (const [at, { account, credential }] of waiting) {
        tested[at] = shownTest({ account, credential }, await this.probe(account, credential), clock.now())
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
  const resolved = resolve(configuration, {
    folder: dirname(file),
    secret: secretOf(places.data, environment),
    simulatorUrl: simulator?.url ?? null,
    trialKey: null,
  })
  for (const { account, credential, simulate } of resolved.accounts) {
    if (simulate !== null && credential.kind === 'api_key') simulator?.set(credential.apiKey, behaviourOf(account.id, simulate))
  }
  return new Reach(resolved, simulator)
}

/** The installation's own secret, by which what was learnt of a credential is known again; where there is none yet, any will do. */
function secretOf(data: string, environment: Surroundings['environment']): Buffer {
  const isThere = existsSync(join(data, 'secret.key')) || (environment['TURNOUT_SECRET_KEY'] ?? '') !== ''
  const kept = isThere ? secretKey(data, environment) : null
  return kept?.kind === 'secret' ? kept.key : randomBytes(32)
}
