import type { IncomingMessage } from 'node:http'
import { refusal, type Refusal } from '../core/refusal.ts'
import type { Caller } from '../ports/caller.ts'
import type { Route } from '../ports/routes.ts'
import { presentedKey, type Keys, type Operators } from './identify.ts'

export type Allowed =
  | { readonly kind: 'allowed'; readonly caller: Caller | null; readonly callerNow: () => Caller | null }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/** Whoever is let in without a key of ours. */
const withoutKey: Allowed = { kind: 'allowed', caller: null, callerNow: () => null }

/** One sentence for what was never issued, was revoked or has expired: whoever tries keys learns nothing of them. */
const notKnown = refusal('invalid_api_key', 'This key is not known here, or not any more.')
const noneSent = refusal('invalid_api_key', 'No key was sent. Send one as "Authorization: Bearer …" or "x-api-key".')

/** Who may, by the guard of the row that a request matches. */
export class Doorkeeper {
  readonly #keys: Keys
  readonly #operators: Operators

  constructor({ keys, operators }: { readonly keys: Keys; readonly operators: Operators }) {
    this.#keys = keys
    this.#operators = operators
  }

  byKey(request: IncomingMessage): Allowed {
    const presented = presentedKey(request.headers)
    const callerNow = this.#keys.hold(presented)
    const caller = callerNow()
    if (caller !== null) return { kind: 'allowed', caller, callerNow }
    return { kind: 'refused', refusal: presented === '' ? noneSent : notKnown }
  }

  async byToken(guard: Exclude<Route['guard'], 'key'>, request: IncomingMessage): Promise<Allowed> {
    if (guard === 'open') return withoutKey
    const admission = await this.#operators.admit(presentedKey(request.headers), guard, request.socket.remoteAddress ?? '')
    switch (admission.kind) {
      case 'admitted':
        return withoutKey
      case 'wrong':
        return { kind: 'refused', refusal: refusal('invalid_api_key', `This needs the ${guard} token, as "Authorization: Bearer …".`) }
      case 'throttled':
        return { kind: 'refused', refusal: refusal('rate_limit_exceeded', 'Too many wrong tokens.', { retryAfterMs: admission.retryAfterMs }) }
    }
  }
}
