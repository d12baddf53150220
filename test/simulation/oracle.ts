import type { CredentialKind } from '../../src/core/account.ts'
import type { AccountId } from '../../src/core/ids.ts'
import type { Mapping } from '../../src/core/model.ts'
import type { Rule } from '../../src/core/policy.ts'
import type { Landscape, Seat } from './landscape.ts'
import type { JsonObject, Story } from './story.ts'

/*
 * What the design says, said a second time and as plainly as possible: the simulation compares the two. Nothing here may use the code
 * that it judges.
 */

/** What an account's mapping makes of a client's name; null: it does not serve it. */
export function mappedName({ exact, wildcards, onlyMapped }: Mapping, model: string): string | null {
  if (exact.has(model)) return exact.get(model) ?? null
  let best: Mapping['wildcards'][number] | null = null
  for (const one of wildcards) if (model.startsWith(one.prefix) && (best === null || one.prefix.length > best.prefix.length)) best = one
  if (best !== null) return best.rest ? best.to + model.slice(best.prefix.length) : best.to
  return onlyMapped ? null : model
}

export function normalTier(word: string): string {
  const plain = word.trim().toLowerCase()
  return plain === 'fast' ? 'priority' : plain
}

const knownTiers = ['priority', 'flex', 'ultrafast']

export type TierVerdict = { readonly kind: 'as it is' | 'dropped' | 'blocked' } | { readonly kind: 'said'; readonly word: string }

/** What the operator's rules make of a request's tier for one account and model. */
export function tierVerdict(rules: readonly Rule[], seat: Pick<Seat, 'account'>, model: string, asked: unknown): TierVerdict {
  if (typeof asked !== 'string') return { kind: 'as it is' }
  const tier = normalTier(asked)
  const isKnown = knownTiers.includes(tier)
  const passed: TierVerdict = isKnown && asked !== tier ? { kind: 'said', word: tier } : { kind: 'as it is' }
  for (const rule of rules) {
    if (rule.tier === 'any' ? tier === '' : !isKnown || rule.tier !== tier) continue
    if (!isFor(rule.accounts, seat.account.credentialKind)) continue
    const named = rule.models.length === 0 || rule.models.some((one) => (one.endsWith('*') ? model.startsWith(one.slice(0, -1)) : one === model))
    const action = named ? rule.action : rule.otherwise
    if (action === 'block') return { kind: 'blocked' }
    if (action === 'pass') return passed
    return seat.account.filterTo === null ? { kind: 'dropped' } : { kind: 'said', word: seat.account.filterTo }
  }
  return passed
}

function isFor(accounts: Rule['accounts'], kind: CredentialKind): boolean {
  return accounts === 'all' || accounts === kind
}

/** What an attempt must send for this question, and whether anything in it differs from what the client wrote. */
export function expectedBody(
  story: Story,
  seat: Seat,
  model: string,
  sealer: (content: string) => AccountId | null,
): { fields: JsonObject; isEdited: boolean } {
  const fields: Record<string, unknown> = { ...story.fields }
  let isEdited = false
  if (fields['model'] !== model) {
    fields['model'] = model
    isEdited = true
  }
  const verdict = tierVerdict(story.landscape.settings.rules, seat, model, fields['service_tier'])
  if (verdict.kind === 'dropped') delete fields['service_tier']
  if (verdict.kind === 'said') fields['service_tier'] = verdict.word
  isEdited ||= verdict.kind !== 'as it is'
  const { input } = fields
  if (!Array.isArray(input)) return { fields, isEdited }
  const kept = (input as readonly JsonObject[]).filter((item) => {
    const sealed = sealedContent(item)
    if (sealed === null) return true
    const by = sealer(sealed)
    return by === null ? !story.sawForeignState : by === seat.account.id
  })
  if (kept.length === input.length) return { fields, isEdited }
  return { fields: { ...fields, input: kept.map(withoutId) }, isEdited: true }
}

export function sealedContent(item: JsonObject): string | null {
  const content = item['encrypted_content']
  return item['type'] === 'reasoning' && typeof content === 'string' ? content : null
}

/** A reference is nothing but its id, and keeps it. */
function withoutId(item: JsonObject): JsonObject {
  if (isReference(item) || !('id' in item)) return item
  const { id: _, ...rest } = item
  return rest
}

/** Ids of state that lives at one account, which the question builds on. */
export function referencesIn(fields: JsonObject): readonly string[] {
  const found: string[] = []
  const { previous_response_id: previous, input } = fields
  const conversation = conversationIn(fields)
  if (typeof previous === 'string') found.push(previous)
  if (conversation !== null) found.push(conversation)
  if (!Array.isArray(input)) return found
  for (const item of input as readonly JsonObject[]) if (isReference(item) && typeof item['id'] === 'string') found.push(item['id'])
  return found
}

function conversationIn({ conversation }: JsonObject): string | null {
  if (typeof conversation === 'string') return conversation
  const id = typeof conversation === 'object' && conversation !== null ? (conversation as JsonObject)['id'] : null
  return typeof id === 'string' ? id : null
}

function isReference(item: JsonObject): boolean {
  const type = item['type'] ?? null
  return type === 'item_reference' || (type === null && item['role'] === undefined)
}

/** Whether sending the question twice could leave something behind twice. */
export function leavesTrace(fields: JsonObject): boolean {
  return fields['store'] === true || conversationIn(fields) !== null
}

/** Whether a key may use an account, by its pools. */
export function mayUse(landscape: Landscape, story: Story, account: AccountId): boolean {
  return story.ask.caller.pools.some((name) => landscape.pools.some((pool) => pool.id === name && pool.accounts.includes(account)))
}
