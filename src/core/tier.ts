/** The service tiers that rules know, after normalising: `fast` and `priority` are one. */
export type Tier = 'priority' | 'flex' | 'ultrafast'

/** What a request says of its tier, before any rule has judged it. */
export type TierAsked =
  | { readonly kind: 'nothing' }
  /** Not a string: not ours to judge, its bytes stay. */
  | { readonly kind: 'not-a-word' }
  /** A word we do not know; only a rule for `any` matches it. */
  | { readonly kind: 'unknown'; readonly raw: string }
  | { readonly kind: 'known'; readonly tier: Tier; readonly raw: string }

/** @param value the member's value; undefined where the member is absent. */
export function tierAsked(value: unknown): TierAsked {
  if (value === undefined) return { kind: 'nothing' }
  if (typeof value !== 'string') return { kind: 'not-a-word' }
  const tier = knownTier(value)
  return tier === null ? { kind: 'unknown', raw: value } : { kind: 'known', tier, raw: value }
}

/** Case and surrounding spaces do not matter; `fast` is another word for `priority`. */
function knownTier(word: string): Tier | null {
  const normal = word.trim().toLowerCase()
  if (normal === 'fast') return 'priority'
  return normal === 'priority' || normal === 'flex' || normal === 'ultrafast' ? normal : null
}

/** How the books name a tier: known words normalised, others without spaces around them and in lower case. Null: the upstream's default. */
export function bookedTier(word: string | null): string | null {
  return word === null ? null : (knownTier(word) ?? word.trim().toLowerCase())
}

/** `auto` and `standard` mean the default here. */
const ranks: Readonly<Record<string, number>> = { flex: 0, default: 1, standard: 1, auto: 1, scale: 1, priority: 2, ultrafast: 3 }

/** Whether an upstream served a dearer tier than the one that we sent (null: its default). Unknown words are not compared. */
export function servedAbove(sent: string | null, served: string | null): boolean {
  const from = ranks[bookedTier(sent) ?? 'default']
  const to = ranks[bookedTier(served) ?? 'default']
  return from !== undefined && to !== undefined && to > from
}
