import type { Headers } from '../lib/headers.ts'
import type { Answer } from './answer.ts'
import type { Deed } from './deed.ts'
import type { Voice } from './dialect.ts'
import type { Dialogue } from './dialogue.ts'
import type { Refused } from './error.ts'
import type { Fault } from './fault.ts'
import type { HeaderValues } from './frame.ts'
import { alter, stepsOf, whole, type Play, type Speech, type Step } from './play.ts'
import { isPage, pages, type At } from './trouble.ts'

/** One request, whole. */
export interface Asked {
  readonly method: string
  /** With its query; with or without `/v1`. */
  readonly path: string
  readonly headers: Headers
  readonly body: Buffer
  readonly nowMs: number
}

/** The whole performance: what is answered to one request, and when. */
export interface Scripted {
  /** Null: the head is never sent, and the steps say what happens instead. */
  readonly head: { readonly status: number; readonly headers: HeaderValues } | null
  readonly headAfterMs: number
  readonly steps: readonly Step[]
  /** The faults that struck. */
  readonly faults: readonly string[]
  /** What the model had before it; null where no model was asked. */
  readonly dialogue: Dialogue | null
}

/** What faults change in what an answer says. */
export function reworded(said: Answer, deed: Deed): Answer {
  if (deed.kind === 'empty-output') return { ...said, terminalOutput: 'empty' }
  return deed.kind === 'usage' ? { ...said, usage: deed.usage } : said
}

/** The first fault that answers in place of everything else. */
export function statusPlay(struck: readonly Fault[], { dialect, requestId }: Voice, at: Omit<At, 'requestId'>): Play | null {
  for (const { deed } of struck) {
    if (deed.kind !== 'status') continue
    const say = isPage(deed.trouble) ? pages[deed.trouble] : dialect.trouble[deed.trouble]
    const { status, headers, text } = say(deed.spec, { ...at, requestId })
    return altered({ ...whole(status, text, headers), close: deed.socket.close, good: false }, struck, { dialect, said: null })
  }
  return null
}

export const altered = (play: Play, struck: readonly Fault[], speech: Speech) => struck.reduce((one, fault) => alter(one, fault.deed, speech), play)
export const ofRefusal = (refusal: Refused) => whole(refusal.status, refusal.text)

/** A play as it goes over HTTP. */
export function scripted(asked: Asked, { dialect, requestId }: Voice, play: Play, struck: readonly Fault[] = []): Scripted {
  const { headers, steps } = stepsOf(play)
  const silent = play.headAfterMs === Infinity
  return {
    head: silent ? null : { status: play.status, headers: { ...dialect.headers(requestId), ...headers } },
    headAfterMs: silent ? 0 : play.headAfterMs,
    steps: asked.method === 'HEAD' ? steps.filter((step) => step.kind !== 'send') : steps,
    faults: struck.map((fault) => fault.name),
    dialogue: play.dialogue,
  }
}
