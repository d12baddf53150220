import type { QueryOf } from './contract.ts'

/** A part of what has names, by name, and where the next part goes on; null: it was the last. */
export function pageOf<Named>(
  all: readonly Named[],
  nameOf: (one: Named) => string,
  { limit, after }: QueryOf<'accounts'>,
): { readonly page: readonly Named[]; readonly next: string | null } {
  const sorted = all.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).filter((one) => after === undefined || nameOf(one) > after)
  const page = sorted.slice(0, limit)
  const last = page.at(-1)
  return { page, next: sorted.length > limit && last !== undefined ? nameOf(last) : null }
}
