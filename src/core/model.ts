import type { ClientModel, UpstreamModel } from './ids.ts'

/** One line of an account's `models`: client name on the left, upstream name on the right; either may end in `*`. */
interface Wildcard {
  readonly prefix: string
  readonly to: string
  /** Whether the right side ends in `*` and so takes the captured rest. */
  readonly rest: boolean
}

/** An account's mapping of model names. Built once, by `parseMapping`. */
export interface Mapping {
  readonly exact: ReadonlyMap<string, string>
  /** Longest prefix first, so that the first match is the most specific one. */
  readonly wildcards: readonly Wildcard[]
  /** True: serve nothing but the models named above. */
  readonly onlyMapped: boolean
}

/** @param models client name -> upstream name, as in the configuration; a `*` counts only at the end. */
export function parseMapping(models: Readonly<Record<string, string>>, onlyMapped: boolean): Mapping {
  const lines = Object.entries(models)
  return {
    exact: new Map(lines.filter(([from]) => !from.endsWith('*'))),
    wildcards: lines
      .filter(([from]) => from.endsWith('*'))
      .map(([from, to]) => ({ prefix: from.slice(0, -1), to: to.endsWith('*') ? to.slice(0, -1) : to, rest: to.endsWith('*') }))
      .sort((a, b) => b.prefix.length - a.prefix.length),
    onlyMapped,
  }
}

/**
 * The only way to obtain an UpstreamModel: exact name first, then the longest prefix before a `*`, then the name as it is.
 * Null: this account does not serve that name.
 */
export function upstreamModel(mapping: Mapping, model: ClientModel): UpstreamModel | null {
  const exact = mapping.exact.get(model)
  if (exact !== undefined) return exact as UpstreamModel
  const wildcard = mapping.wildcards.find((w) => model.startsWith(w.prefix))
  if (wildcard !== undefined) return (wildcard.rest ? wildcard.to + model.slice(wildcard.prefix.length) : wildcard.to) as UpstreamModel
  return mapping.onlyMapped ? null : (model as string as UpstreamModel)
}

/**
 * The client names under which an account serves: its exact names, and, for its wildcards and unmapped names, what its own
 * `GET models` listed passed backwards through the mapping. A name counts only if the mapping leads it back to what was listed.
 *
 * @param listed upstream names; empty when the account never answered.
 */
export function clientModels(mapping: Mapping, listed: readonly string[]): readonly ClientModel[] {
  const names = new Set<string>(mapping.exact.keys())
  for (const upstream of listed) {
    for (const wildcard of mapping.wildcards) {
      const fits = wildcard.rest && upstream.startsWith(wildcard.to)
      const name = fits ? wildcard.prefix + upstream.slice(wildcard.to.length) : null
      if (name !== null && upstreamModel(mapping, name as ClientModel) === upstream) names.add(name)
    }
    if (upstreamModel(mapping, upstream as ClientModel) === upstream) names.add(upstream)
  }
  return [...names].sort() as ClientModel[]
}
