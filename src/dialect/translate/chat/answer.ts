import type { Json } from '../../json.ts'
import type { Telling } from '../hub.ts'

/** What an answer is known by. Its ids follow from the upstream's own, so that the same answer always has the same ones. */
export interface Made {
  /** The upstream's id without its prefix; never empty. */
  readonly stem: string
  /** Seconds since the epoch. */
  readonly atS: number
  readonly model: string
}

export const chatPrefix = 'chatcmpl-'
export const hubPrefix = 'resp_'

/** Ids are said again in every event. Unit: characters. */
const stemMax = 128

/** @param at when it was made, as it says. */
export function madeOf({ id, model }: Json, at: unknown, prefix: string, telling: Telling): Made {
  const own = typeof id === 'string' ? id.slice(id.startsWith(prefix) ? prefix.length : 0) : ''
  return {
    stem: own === '' ? String(telling.startedAtS) : own.slice(0, stemMax),
    atS: typeof at === 'number' ? at : telling.startedAtS,
    model: telling.restore ?? (typeof model === 'string' && model !== '' ? model : telling.model),
  }
}

/** How an answer ended, in the hub's words. */
export interface Ending {
  readonly status: 'completed' | 'incomplete'
  readonly reason: 'max_output_tokens' | 'content_filter' | null
}

export function endingOf(finish: unknown): Ending {
  if (finish === 'length') return { status: 'incomplete', reason: 'max_output_tokens' }
  if (finish === 'content_filter') return { status: 'incomplete', reason: 'content_filter' }
  return { status: 'completed', reason: null }
}

/** Chat's word for the end. What was cut short for any other reason is said to be cut short, never to be whole. */
export function finishOf(isWhole: boolean, reason: unknown, hasCalls: boolean): 'stop' | 'length' | 'tool_calls' | 'content_filter' {
  if (!isWhole) return reason === 'content_filter' ? 'content_filter' : 'length'
  return hasCalls ? 'tool_calls' : 'stop'
}

/** What the hub's response says beside what Chat tells. */
interface State {
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed'
  readonly reason?: Ending['reason']
  readonly error?: Json
  readonly output: readonly Json[]
  readonly usage: Json | null
  readonly tier: unknown
}

/** A response object with all that the hub's clients require (protocols.md 1.3); what Chat does not tell has its default. */
export function responseOf({ stem, atS, model }: Made, { status, reason = null, error, output, usage, tier }: State): Json {
  return {
    id: `${hubPrefix}${stem}`,
    object: 'response',
    created_at: atS,
    status,
    error: error ?? null,
    incomplete_details: reason === null ? null : { reason },
    instructions: null,
    metadata: {},
    model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    ...(typeof tier === 'string' && tier !== '' ? { service_tier: tier } : {}),
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    usage,
  }
}
