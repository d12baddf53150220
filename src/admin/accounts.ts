import type { Account, Credential } from '../core/account.ts'
import type { AccountId } from '../core/ids.ts'
import type { Clock } from '../lib/clock.ts'
import type { LiveAccounts } from '../pool/accounts.ts'
import type { LiveAccount } from '../pool/live-account.ts'
import type { Probed } from '../pool/probes.ts'
import { answer, changed, problem, type Asked, type ChangeAnswer, type Handles, type Problem } from './answer.ts'
import type { AccountShape, TestedShape } from './contract.ts'
import { shownAccount, shownTest } from './shown.ts'

export interface AccountsDoor {
  readonly clock: Clock
  readonly accounts: LiveAccounts
  /** Asks an upstream whether it serves this account. Bounded in time; never rejects. */
  probe(account: Account, credential: Credential): Promise<Probed>
}

export function accountHandles(door: AccountsDoor): Handles<'accounts' | 'reset' | 'disable' | 'enable' | 'test'> {
  /** Tests under way: whoever asks again meanwhile gets the same answer, so that nobody floods an upstream through us. */
  const tests = new Map<AccountId, Promise<TestedShape>>()

  const changing =
    (change: (account: AccountId) => void) =>
    async ({ params }: Asked<null, null>): Promise<ChangeAnswer<AccountShape>> => {
      const live = door.accounts.find((params['name'] ?? '') as AccountId)
      if (live === null) return unknown(door, params['name'])
      const before = standingOf(shownAccount(live, door.clock.now()))
      change(live.account.id)
      const after = shownAccount(live, door.clock.now())
      return changed(after, { target: live.account.id, before, after: standingOf(after) })
    }

  const test = (live: LiveAccount): Promise<TestedShape> => {
    const { id } = live.account
    const running = tests.get(id)
    if (running !== undefined) return running
    const asked = { account: live.account, credential: live.credential }
    const begun = door
      .probe(asked.account, asked.credential)
      .then((probed) => shownTest(asked, probed, door.clock.now()))
      .finally(() => tests.delete(id))
    tests.set(id, begun)
    return begun
  }

  return {
    accounts: async () => answer({ accounts: door.accounts.all().map((live) => shownAccount(live, door.clock.now())) }),
    reset: changing((id) => door.accounts.reset(id)),
    disable: changing((id) => door.accounts.setEnabled(id, false)),
    enable: changing((id) => door.accounts.setEnabled(id, true)),
    test: async ({ params }) => {
      const live = door.accounts.find((params['name'] ?? '') as AccountId)
      return live === null ? unknown(door, params['name']) : answer(await test(live))
    },
  }
}

/** Of an account, what the operator may change while the gateway runs. */
function standingOf({ enabled, health, pairs }: AccountShape): Pick<AccountShape, 'enabled' | 'health' | 'pairs'> {
  return { enabled, health, pairs }
}

function unknown(door: AccountsDoor, name: string | undefined): Problem {
  const known = door.accounts.all().map((live) => live.account.id)
  const some = known.length <= 20 ? known.join(', ') : `${known.slice(0, 20).join(', ')} and ${known.length - 20} more`
  return problem('unknown_account', `No account is named '${(name ?? '').slice(0, 64)}'. There are: ${some}.`, 'name')
}
