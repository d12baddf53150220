import { answer, type Answer } from './answer.ts'
import { cutShort } from './cut-short.ts'
import { closeOf, type Close, type SocketManner } from './deed.ts'
import type { Dialogue } from './dialogue.ts'
import { isObject, refused, type JsonObject, type Refused } from './error.ts'
import { errorEvent } from './error-event.ts'
import type { Fault } from './fault.ts'
import type { Frame } from './frame.ts'
import type { Memory, Stored } from './memory.ts'
import { stream, type Play } from './play.ts'
import type { Asker, Question } from './question.ts'
import { give } from './remember.ts'
import { eventsOf, warmUpEventsOf } from './responses/events.ts'
import { readResponses } from './responses/read.ts'
import { responses } from './responses/responses.ts'
import { altered, ofRefusal, reworded, statusPlay } from './stage.ts'

/** What is done to a connection for one turn, in this order. */
export type SocketStep =
  /** One text frame. `fragmentBytes`: said in pieces of this size; null: whole. */
  | { readonly kind: 'say'; readonly waitMs: number; readonly text: string; readonly fragmentBytes: number | null }
  /** Whole frames, as they go over the wire. */
  | { readonly kind: 'bytes'; readonly waitMs: number; readonly bytes: Buffer }
  | { readonly kind: 'close'; readonly close: Close }
  /** The connection is destroyed once everything before was written. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'reset' }
  /** Nothing more on this lane. */
  | { readonly kind: 'hang' }

/** One `response.create`. */
export interface Create {
  readonly fields: JsonObject
  readonly lane: string
  readonly bytes: number
  /** `successor`: the service begins it by itself, and no fault strikes it. */
  readonly by: 'client' | 'successor'
}

export interface SocketScene {
  readonly key: string
  readonly memory: Memory
  readonly recall: (id: string) => Stored | null
  readonly nowMs: number
}

/** The whole performance of one turn. */
export interface SocketScripted {
  readonly steps: readonly SocketStep[]
  /** As HTTP would tell it; null: nothing is said. */
  readonly status: number | null
  readonly faults: readonly string[]
  readonly dialogue: Dialogue | null
  /** Null where nothing was answered. */
  readonly said: Answer | null
  /** Whether the answer comes to a good end, and can be continued. */
  readonly good: boolean
  /** The events of an answer that can be cut short; null: it cannot. */
  readonly plain: readonly Frame[] | null
}

/** Frames name no request. */
const voice = { dialect: responses, requestId: '' }

/** Decides everything about one turn. Touches nothing but `memory`. */
export function socketScript(create: Create, scene: SocketScene): SocketScripted {
  const { key, memory, nowMs, recall } = scene
  const behaviour = memory.behaviour(key)
  if (behaviour === null) return finished(ofRefusal(refused(401, 'Incorrect API key provided.', { code: 'invalid_api_key' })), create, [])
  const model = typeof create.fields['model'] === 'string' ? create.fields['model'] : null
  const struck = create.by === 'client' ? memory.struck(key, { kind: 'turn', model, nowMs, dice: memory.dice }) : []
  const instead = statusPlay(struck, voice, { nowMs, model })
  if (instead !== null) return finished(instead, create, struck)
  const asker = { key, behaviour, memory, recall }
  const question = readCreate(create, asker)
  if (question.kind === 'refused') return finished(altered(ofRefusal(question), struck, { dialect: responses, said: null }), create, struck)
  const isWarmUp = create.fields['generate'] === false
  const said = struck.reduce((one, fault) => reworded(one, fault.deed), isWarmUp ? warmUp(question, asker, nowMs) : answer(question, asker, nowMs))
  const plain = isWarmUp ? warmUpEventsOf(said) : eventsOf(said, behaviour.paceMs)
  const play = altered({ ...stream(plain, {}), transport: 'websocket' }, struck, { dialect: responses, said })
  give(said, memory, question.store && play.good)
  const isPlain = !isWarmUp && play.frames === plain && play.end === 'end'
  return { ...finished({ ...play, dialogue: question.dialogue }, create, struck), said, good: play.good, plain: isPlain ? plain : null }
}

function readCreate({ fields, bytes }: Create, asker: Asker): Question | Refused {
  for (const member of ['stream', 'background']) {
    if (member in fields) return refused(400, `Unsupported parameter over WebSocket: '${member}'.`, { param: member, code: 'unsupported_parameter' })
  }
  const { type: _, stream_id: __, generate, ...asked } = fields
  if (generate !== undefined && typeof generate !== 'boolean') {
    return refused(400, "Invalid type for 'generate': expected boolean.", { param: 'generate', code: 'invalid_type' })
  }
  return readResponses({ fields: { ...asked, stream: true }, bodyBytes: bytes }, asker)
}

const nothingUsed = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
}

/** Takes the input in, says nothing, and costs nothing. */
function warmUp(question: Question, asker: Asker, nowMs: number): Answer {
  return {
    id: asker.memory.id('resp_'),
    question,
    model: question.model + asker.behaviour.snapshot,
    createdAtS: Math.floor(nowMs / 1000),
    items: [],
    ending: 'completed',
    usage: nothingUsed,
    tierServed: 'default',
    terminalOutput: 'whole',
    outputTokens: 0,
    obfuscated: false,
  }
}

function finished(play: Play, { lane }: Create, struck: readonly Fault[]): SocketScripted {
  const silent = play.headAfterMs === Infinity
  return {
    steps: stepsOf(play, lane, mannerOf(struck)),
    status: silent ? null : play.status,
    faults: struck.map((fault) => fault.name),
    dialogue: play.dialogue,
    said: null,
    good: false,
    plain: null,
  }
}

function mannerOf(struck: readonly Fault[]): SocketManner['statusAs'] {
  for (const { deed } of struck) if (deed.kind === 'status') return deed.socket.statusAs
  return 'status'
}

/** A refusal is one event; an answer is its events. */
function stepsOf(play: Play, lane: string, statusAs: SocketManner['statusAs']): readonly SocketStep[] {
  const frames = play.form === 'events' ? play.frames : play.end === 'end' ? [errorEvent({ ...play, text: play.frames[0]?.text ?? '', statusAs })] : []
  return [...spoken(frames, lane, play), ...endOf(play)]
}

/** The rest of an answer that is cut short behind its first `from` events; null where it cannot be. */
export function restOf({ said, plain }: SocketScripted, lane: string, from: number): { readonly said: Answer; readonly steps: readonly SocketStep[] } | null {
  const short = said === null || plain === null ? null : cutShort(said, plain, from)
  return short === null ? null : { said: short, steps: spoken(eventsOf(short, 0).slice(from), lane, null) }
}

function spoken(frames: readonly Frame[], lane: string, play: Play | null): readonly SocketStep[] {
  const headAfterMs = play === null || play.headAfterMs === Infinity ? 0 : play.headAfterMs
  return frames.map(({ waitMs, text }, at) => {
    const ms = waitMs + (at === 0 ? headAfterMs : (play?.drip?.ms ?? 0))
    return { kind: 'say', waitMs: ms, text: inLane(text, lane), fragmentBytes: play?.drip?.chunkBytes ?? null }
  })
}

/** The event as one of its lane. The name stands last, where only those find it who read the whole event. */
export function inLane(text: string, lane: string): string {
  return lane === '' || !text.endsWith('}') ? text : `${text.slice(0, -1)},"stream_id":${JSON.stringify(lane)}}`
}

function endOf({ end, close }: Play): readonly SocketStep[] {
  if (close !== null && (end === 'end' || end === 'cut')) return [close.code === 1006 ? { kind: 'cut' } : { kind: 'close', close }]
  switch (end) {
    case 'end':
      return []
    case 'short':
      return [{ kind: 'close', close: closeOf(1000) }]
    case 'cut':
    case 'reset':
    case 'hang':
      return [{ kind: end }]
  }
}

/** Whether a create names a conversation that the service keeps. */
export const hasConversation = (fields: JsonObject) => typeof fields['conversation'] === 'string' || isObject(fields['conversation'])
