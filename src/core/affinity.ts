import type { AccountId } from './ids.ts'

/**
 * Rendezvous hashing: each account gets a score for this affinity, and the highest wins. When an account leaves, only its own
 * affinities move; when it returns, they come back. The score grows with weight, so that an account's share follows it.
 */
export function affinityScore(affinity: string, account: AccountId, weight: number): number {
  const uniform = (fnv1a(`${affinity}\n${account}`) + 0.5) / 2 ** 32
  return -weight / Math.log(uniform)
}

/** FNV-1a with a final mix, 32 bits: spreads short strings that differ in one letter, costs next to nothing. Not for secrets. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return (hash ^ (hash >>> 16)) >>> 0
}
