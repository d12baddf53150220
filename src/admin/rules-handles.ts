import type { AccountId, ClientModel } from '../core/ids.ts'
import { upstreamModel } from '../core/model.ts'
import { judgeTier, type Rule, type Verdict } from '../core/policy.ts'
import { tierAsked, type TierAsked } from '../core/tier.ts'
import type { Account } from '../core/account.ts'
import type { LiveAccounts } from '../pool/accounts.ts'
import { unknownAccount } from './accounts.ts'
import { answer, changed, fromStore, problem, type Handles, type Problem } from './answer.ts'
import type { AnswerOf } from './contract.ts'
import type { Changed, LiveRules } from './rules.ts'

export interface RulesDoor {
  readonly rules: LiveRules
  readonly accounts: LiveAccounts
}

export function ruleHandles({ rules, accounts }: RulesDoor): Handles<'rules' | 'putRules' | 'deleteRules' | 'tryRules'> {
  const shown = (): { readonly body: AnswerOf<'rules'>; readonly etag: string } => {
    const { source, rules: current, error, etag } = rules.shown()
    return { body: { source, rules: current.map(shownRule), error }, etag }
  }
  return {
    rules: async () => answer(shown().body, shown().etag),
    putRules: async ({ body, ifMatch }) => {
      const before = shown().body
      const no = await refused(rules.put(body.rules, ifMatch ?? ''))
      const { body: after, etag } = shown()
      return no ?? changed(after, { target: null, before, after }, etag)
    },
    deleteRules: async ({ ifMatch }) => {
      const before = shown().body
      return (await refused(rules.forget(ifMatch ?? ''))) ?? changed(null, { target: null, before, after: shown().body })
    },
    tryRules: async ({ body }) => {
      const live = accounts.find(body.account as AccountId)
      if (live === null) return unknownAccount(accounts, body.account, 'account')
      const model = upstreamModel(live.account.mapping, body.model as ClientModel)
      if (model === null) return problem('invalid_body', `The account '${body.account}' does not serve the model '${body.model}'.`, 'model')
      const asked = tierAsked(body.tier ?? undefined)
      return answer(shownVerdict(judgeTier(rules.current(), live.account.credentialKind, model, asked), asked, live.account))
    },
  }
}

/** Null: it was changed. */
async function refused(changing: Promise<Changed>): Promise<Problem | null> {
  const written = await fromStore(changing)
  if (written.kind === 'problem') return written
  const changed = written.value
  switch (changed.kind) {
    case 'changed':
      return null
    case 'provisioned':
      return problem('provisioned', 'The configuration file has rules, and they go first. Change them there, or take `rules` out of it.')
    case 'mismatch':
      return problem('precondition_failed', 'The rules were changed meanwhile. Read them again, and send the new ETag as if-match.', 'if-match')
    case 'wrong':
      return problem('invalid_body', changed.message, changed.param)
  }
}

function shownRule(rule: Rule): AnswerOf<'rules'>['rules'][number] {
  return { ...rule, models: [...rule.models] }
}

/** What the upstream would be asked for is what an attempt of this account would send. */
function shownVerdict(verdict: Verdict, asked: TierAsked, account: Account): AnswerOf<'tryRules'> {
  switch (verdict.kind) {
    case 'pass': {
      const said = asked.kind === 'known' || asked.kind === 'unknown' ? asked.raw : null
      return { verdict: 'pass', rule: verdict.rule, sent: verdict.canonical ?? said, message: null }
    }
    case 'filter':
      return { verdict: 'filter', rule: verdict.rule, sent: account.filterTo, message: null }
    case 'block':
      return { verdict: 'block', rule: verdict.rule, sent: null, message: verdict.message }
  }
}
