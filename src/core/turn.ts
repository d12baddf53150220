import type { ClientModel, ResponseId } from './ids.ts'
import type { TierAsked } from './tier.ts'

/** The wire formats. */
export type DialectName = 'responses' | 'chat' | 'messages'

/** The words of the ledger for what was asked. */
export type Endpoint = 'responses' | 'compact' | 'input_tokens' | 'chat' | 'embeddings' | 'moderations' | 'images' | 'messages' | 'count_tokens'

const dialects: Readonly<Record<Endpoint, DialectName>> = {
  responses: 'responses',
  compact: 'responses',
  input_tokens: 'responses',
  chat: 'chat',
  embeddings: 'chat',
  moderations: 'chat',
  images: 'chat',
  messages: 'messages',
  count_tokens: 'messages',
}

/** The dialect that an endpoint belongs to. */
export function dialectOf(endpoint: Endpoint): DialectName {
  return dialects[endpoint]
}

/** The endpoints whose questions can be said in another dialect. */
export function isTranslatable(endpoint: Endpoint): boolean {
  return endpoint === 'responses' || endpoint === 'chat' || endpoint === 'messages'
}

/** A reference to state that lives at one account; the turn may go to its owner only. */
export type Reference =
  | { readonly kind: 'response'; readonly id: ResponseId }
  | { readonly kind: 'conversation'; readonly id: string }
  | { readonly kind: 'item'; readonly id: string }

/** What one question says that the gateway acts on, read once from the client's body by its dialect. */
export interface Turn {
  readonly endpoint: Endpoint
  readonly model: ClientModel
  readonly tier: TierAsked
  readonly stream: boolean
  /** All state of earlier answers that the question builds on. */
  readonly references: readonly Reference[]
  /** Whether the upstream will store the answer, so that its id can be named later (`store` not false). */
  readonly stored: boolean
  /** Whether sending the question twice could leave something behind twice: `conversation`, or an explicit `store: true`. */
  readonly leavesTrace: boolean
  /** What makes two questions share a prompt cache: the client's own hint, else a hash of how the question begins. Scoped by key when used; null: nothing to go by. */
  readonly affinity: string | null
  /** Hashes of the sealed reasoning that the question brings back, by index: of its item in `input`, or among all that is sealed. */
  readonly sealed: readonly Sealed[]
  /** Whether the client is Codex, whose idle timer only an event resets. */
  readonly isCodex: boolean
  /** Whether it hands the model functions to call while the model may reason: some models refuse that on Chat Completions (protocols.md 4.1). */
  readonly reasonsOverTools: boolean
  /** Whether the client asked for the usage at the end of its stream; on Chat Completions it is told of it only then. */
  readonly wantsUsage: boolean
}

export interface Sealed {
  readonly index: number
  readonly hash: string
}
