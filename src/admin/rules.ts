import { createHash } from 'node:crypto'
import { defaultRules, type Rule } from '../core/policy.ts'
import type { Entities } from '../ports/stores.ts'

/** Rules as someone wrote them, read by the configuration's own schema. */
export type ParsedRules =
  | { readonly kind: 'rules'; readonly rules: readonly Rule[] }
  /** `param`: the member at fault, as in `rules[0].tier`. */
  | { readonly kind: 'wrong'; readonly message: string; readonly param: string | null }

export interface RulesParts {
  readonly entities: Entities
  readonly parse: (json: unknown) => ParsedRules
}

export interface ShownRules {
  readonly source: 'file' | 'store' | 'default'
  readonly rules: readonly Rule[]
  /** Why rules that someone wrote do not hold, while older ones do. */
  readonly error: string | null
  readonly etag: string
}

export type Changed =
  | { readonly kind: 'changed' }
  /** The configuration file has rules, and they go first. */
  | { readonly kind: 'provisioned' }
  /** They are not what the caller has seen. */
  | { readonly kind: 'mismatch' }
  | Extract<ParsedRules, { kind: 'wrong' }>

const entity = 'rules'

/**
 * The operator's tier policy as it holds now: the configuration file's rules, else the stored ones, else the default. Rules that do not parse
 * change nothing but the error that is shown.
 */
export class LiveRules {
  readonly #parts: RulesParts
  #file: readonly Rule[] | null = null
  #fileError: string | null = null
  #stored: readonly Rule[] | null = null
  #storedError: string | null = null
  /** Of what is stored; 0: nothing is. */
  #version = 0

  constructor(parts: RulesParts) {
    this.#parts = parts
  }

  /** What a turn that is admitted now obeys. */
  current(): readonly Rule[] {
    return this.#file ?? this.#stored ?? defaultRules
  }

  /** Takes over the rules of a configuration that is applied; null: it has none. */
  configure(rules: readonly Rule[] | null): void {
    this.#file = rules
    this.#fileError = null
  }

  /** Rules of a changed configuration are wrong: the last good ones stay. */
  broken(error: string): void {
    this.#fileError = error
  }

  /** Reads what an earlier process, or another one, has stored. Rejects when the store does. */
  async load(): Promise<void> {
    const kept = await this.#parts.entities.read(entity)
    this.#version = kept?.version ?? 0
    const parsed = kept === null ? null : this.#parts.parse(parsedJson(kept.json))
    this.#storedError = parsed?.kind === 'wrong' ? `The stored rules cannot be used: ${parsed.message}` : null
    if (parsed?.kind !== 'wrong') this.#stored = parsed?.rules ?? null
  }

  shown(): ShownRules {
    const source = this.#file !== null ? 'file' : this.#stored !== null ? 'store' : 'default'
    return { source, rules: this.current(), error: this.#fileError ?? (this.#file === null ? this.#storedError : null), etag: this.#etag() }
  }

  /** Stores rules; they hold at once. Rejects when the store does. @param ifMatch the caller's `if-match`. */
  async put(json: unknown, ifMatch: string): Promise<Changed> {
    if (this.#file !== null) return { kind: 'provisioned' }
    if (!matches(ifMatch, this.#etag())) return { kind: 'mismatch' }
    const parsed = this.#parts.parse(json)
    if (parsed.kind === 'wrong') return parsed
    return this.#write(parsed.rules)
  }

  /** Forgets what is stored. Rejects when the store does. */
  async forget(ifMatch: string): Promise<Changed> {
    if (this.#file !== null) return { kind: 'provisioned' }
    if (!matches(ifMatch, this.#etag())) return { kind: 'mismatch' }
    return this.#version === 0 ? { kind: 'changed' } : this.#write(null)
  }

  async #write(rules: readonly Rule[] | null): Promise<Changed> {
    const version = await this.#parts.entities.write(entity, rules === null ? null : JSON.stringify(rules), this.#version)
    if (version === null) {
      // Someone else was faster; what they stored holds.
      await this.load()
      return { kind: 'mismatch' }
    }
    this.#version = rules === null ? 0 : version
    this.#stored = rules
    this.#storedError = null
    return { kind: 'changed' }
  }

  #etag(): string {
    if (this.#file === null) return `"${this.#version}"`
    return `"file-${createHash('sha256').update(JSON.stringify(this.#file)).digest('hex').slice(0, 16)}"`
  }
}

/** By the strong comparison of RFC 9110: a weak tag never matches. */
function matches(ifMatch: string, etag: string): boolean {
  return ifMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim() === etag)
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
