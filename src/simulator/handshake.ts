import { callerOf } from './caller.ts'
import type { Deed } from './deed.ts'
import { refused } from './error.ts'
import type { HeaderValues } from './frame.ts'
import type { Memory } from './memory.ts'
import { whole, type Play } from './play.ts'
import { responses } from './responses/responses.ts'
import { altered, ofRefusal, scripted, statusPlay, type Asked, type Scripted } from './stage.ts'

/** What is answered to a handshake of WebSocket. */
export type Greeting =
  | {
      readonly kind: 'accept'
      readonly key: string
      /** Of the 101. */
      readonly headers: HeaderValues
      readonly afterMs: number
      /** How long the connection may live. */
      readonly connectionMs: number
      readonly faults: readonly string[]
    }
  | { readonly kind: 'refuse'; readonly key: string | null; readonly scripted: Scripted }

/** Decides about a handshake. Touches nothing but `memory`. */
export function greet(asked: Asked, memory: Memory): Greeting {
  const caller = callerOf(asked.headers, memory, refused)
  const { key } = caller
  const voice = { dialect: responses, requestId: memory.id('req_') }
  const refuse = (play: Play, struck: Parameters<typeof scripted>[3] = []): Greeting => ({
    kind: 'refuse',
    key,
    scripted: scripted(asked, voice, play, struck),
  })
  if (caller.kind === 'nobody') return refuse(ofRefusal(caller.refused))
  const { behaviour } = caller
  const struck = memory.struck(caller.key, { kind: 'handshake', model: null, nowMs: asked.nowMs, dice: memory.dice })
  const instead = statusPlay(struck, voice, { nowMs: asked.nowMs, model: null })
  if (instead !== null) return refuse({ ...instead, headers: { ...behaviour.headers, ...instead.headers } }, struck)
  if (behaviour.websocket === 'refuse') return refuse(altered(ofRefusal(httpOnly), struck, { dialect: responses, said: null }), struck)
  const headers: { [name: string]: string | readonly string[] } = { 'x-request-id': voice.requestId, ...behaviour.headers }
  let afterMs = 0
  for (const { deed } of struck) {
    const end = endOf(deed)
    if (end !== null) return refuse({ ...whole(101, ''), headAfterMs: Infinity, frames: [], end }, struck)
    if (deed.kind === 'slow') afterMs += deed.ms
    if (deed.kind === 'headers') Object.assign(headers, deed.headers ?? responses.limits)
  }
  return { kind: 'accept', key: caller.key, headers, afterMs, connectionMs: behaviour.connectionMs, faults: struck.map((fault) => fault.name) }
}

const httpOnly = refused(426, 'WebSocket is not spoken here: send the request with POST.', { code: 'websocket_not_supported' })

/** How a handshake ends that is not answered at all; null: this deed leaves it alone. */
function endOf(deed: Deed): Play['end'] | null {
  if (deed.kind === 'hang' || deed.kind === 'reset') return deed.kind
  if (deed.kind === 'stop') return deed.how === 'hang' ? 'hang' : 'cut'
  return deed.kind === 'close' ? 'cut' : null
}
