import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TurnId } from '../core/ids.ts'
import type { Caller } from '../ports/caller.ts'
import type { Visit } from '../ports/routes.ts'
import { targetUrl, type Target } from './target.ts'

/** Makes the URL only where someone reads it. */
export class OneVisit implements Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly params: Readonly<Record<string, string>>
  readonly requestId: string
  readonly caller: Caller | null
  readonly turn: TurnId | null
  readonly callerNow: () => Caller | null
  readonly #target: Target

  constructor(of: Omit<Visit, 'url'> & { readonly target: Target }) {
    this.request = of.request
    this.response = of.response
    this.params = of.params
    this.requestId = of.requestId
    this.caller = of.caller
    this.callerNow = of.callerNow
    this.turn = of.turn
    this.#target = of.target
  }

  get url(): URL {
    return targetUrl(this.#target)
  }
}
