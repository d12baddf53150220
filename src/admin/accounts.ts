import type { Account, Credential } from '../core/account.ts'
import type { AccountId, ClientModel, UpstreamModel } from '../core/ids.ts'
import { upstreamModel } from '../core/model.ts'
import type { Clock } from '../lib/clock.ts'
import type { LiveAccounts } from '../pool/accounts.ts'
import type { LiveAccount } from '../pool/live-account.ts'
import type { SmallTurn } from '../upstream/small-turn.ts'
import { answer, changed, problem, type Answer, type Asked, type ChangeAnswer, type Handles, type Problem } from './answer.ts'
import type { AccountShape, TestedShape } from './contract.ts'
import { pageOf } from './page.ts'
import { shownAccount, shownTest } from './shown.ts'

export interface AccountsDoor {
  readonly clock: Clock
  readonly accounts: LiveAccounts
  /** Makes one turn of a few tokens at the upstream of an account. @param model null: whichever it has. Bounded in time; never rejects. */
  readonly smallTurn: (account: Account, credential: Credential, model: UpstreamModel | null) => Promise<SmallTurn>
}

export function accountHandles(door: AccountsDoor): Handles<'accounts' | 'reset' | 'disable' | 'enable' | 'test'> {
  /** Tests under way: whoever asks again meanwhile gets the same answer, so that nobody floods an upstream through us. */
  const tests = new Map<string, Promise<Answer<TestedShape>>>()

  const changing =
    (change: (account: AccountId) => void) =>
    async ({ params }: Asked<null, null>): Promise<ChangeAnswer<AccountShape>> => {
      const id = (params['name'] ?? '') as AccountId
      const live = door.accounts.find(id)
      if (live === null) return unknownAccount(door.accounts, id)
      const before = standingOf(shownAccount(live, door.clock.now()))
      change(live.account.id)
      const after = shownAccount(live, door.clock.now())
      return changed(after, { target: live.account.id, before, after: standingOf(after) })
    }

  const test = (live: LiveAccount, model: UpstreamModel | null): Promise<Answer<TestedShape>> => {
    const name = `${live.account.id}\n${model ?? ''}`
    const running = tests.get(name)
    if (running !== undefined) return running
    const begun = testOf(door, live, model).finally(() => tests.delete(name))
    tests.set(name, begun)
    return begun
  }

  return {
    accounts: async ({ query }) => {
      const { page, next } = pageOf(door.accounts.all(), ({ account }) => account.id, query)
      return answer({ accounts: page.map((live) => shownAccount(live, door.clock.now())), next })
    },
    reset: changing((id) => door.accounts.reset(id)),
    disable: changing((id) => door.accounts.setEnabled(id, false)),
    enable: changing((id) => door.accounts.setEnabled(id, true)),
    test: async ({ params, query: { model } }) => {
      const id = (params['name'] ?? '') as AccountId
      const live = door.accounts.find(id)
      if (live === null) return unknownAccount(door.accounts, id)
      const name = model === undefined ? null : upstreamModel(live.account.mapping, model as ClientModel)
      if (model !== undefined && name === null)
        return problem('invalid_query', `The account '${live.account.id}' does not serve the model '${model}'.`, 'model')
      return test(live, name)
    },
  }
}

async function testOf({ clock, smallTurn }: AccountsDoor, { account, credential }: LiveAccount, model: UpstreamModel | null): Promise<Answer<TestedShape>> {
  const beganMs = clock.now()
  const came = await smallTurn(account, credential, model)
  if (came.kind === 'no-model') {
    const why = `The mapping of '${account.id}' names no model, and its upstream lists none that it may be asked for: say which one to ask, as \`model\`.`
    return problem('invalid_query', why, 'model')
  }
  return answer(shownTest({ account, tookMs: clock.now() - beganMs }, came, clock.now()))
}

/** Of an account, what the operator may change while the gateway runs. */
function standingOf({ enabled, health, pairs }: AccountShape): Pick<AccountShape, 'enabled' | 'health' | 'pairs'> {
  return { enabled, health, pairs }
}

/** @param param what named it. */
export function unknownAccount(accounts: LiveAccounts, name: string, param = 'name'): Problem {
  const known = accounts.all().map((live) => live.account.id)
  const some = known.length <= 20 ? known.join(', ') : `${known.slice(0, 20).join(', ')} and ${known.length - 20} more`
  return problem('unknown_account', `No account is named '${name.slice(0, 64)}'. There are: ${some}.`, param)
}
