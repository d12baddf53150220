import type { Account, Credential } from '../../src/core/account.ts'
import type { Failure } from '../../src/core/failure.ts'
import type { AccountId } from '../../src/core/ids.ts'
import type { Candidate } from '../../src/core/route.ts'
import { LiveAccounts } from '../../src/pool/accounts.ts'
import type { Lease } from '../../src/ports/pool.ts'
import type { AccountMemory } from '../../src/ports/stores.ts'
import { account, accountId, clientModel, poolId } from './accounts.ts'
import { VirtualClock } from './virtual-clock.ts'

export const credential: Credential = { kind: 'api_key', apiKey: 'sk-test' }
const model = clientModel('gpt-5.5')
const pool = poolId('default')

/** A real pool of these accounts, under virtual time and with dice that always fall on 0. */
export class LivePool {
  readonly clock = new VirtualClock()
  readonly kept: AccountMemory[] = []
  readonly suspects: AccountId[] = []
  readonly accounts: LiveAccounts

  constructor(of: readonly Account[] = [account('a')], bounds = { waiting: 1000, waitingPerKey: 32 }) {
    this.accounts = new LiveAccounts({
      clock: this.clock,
      dice: () => 0,
      bounds: () => bounds,
      keep: (memory) => this.kept.push(memory),
      suspect: (id) => this.suspects.push(id),
    })
    this.configure(of)
  }

  configure(of: readonly Account[]): void {
    this.accounts.configure(
      of.map((each) => ({ account: each, credential })),
      [{ id: pool, accounts: of.map(({ id }) => id) }],
    )
  }

  candidates(): readonly Candidate[] {
    return this.accounts.candidates([pool], model)
  }

  candidate(name: string): Candidate {
    const found = this.candidates().find((c) => c.account.id === accountId(name))
    if (found === undefined) throw new Error(`no account ${name}`)
    return found
  }

  standing(name: string): string {
    return this.candidate(name).standing.kind
  }

  async lease(name: string): Promise<Lease> {
    const lease = await this.accounts.lease(this.candidate(name))
    if (lease === null) throw new Error(`${name} is full`)
    return lease
  }

  /** One attempt that fails. */
  async fail(name: string, failure: Failure): Promise<void> {
    const lease = await this.lease(name)
    this.accounts.failed(lease, failure, this.clock.now())
    lease.give()
  }

  /** One attempt that goes well. */
  async serve(name: string): Promise<void> {
    const startedAtMs = this.clock.now()
    const lease = await this.lease(name)
    this.accounts.proved(lease, startedAtMs)
    this.accounts.succeeded(lease, startedAtMs)
    lease.give()
  }
}
