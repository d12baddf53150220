import type { Json } from '../../json.ts'
import type { Telling } from '../hub.ts'
import { tierToHub, usageToHub } from './usage.ts'
import type { Ended } from './stop.ts'

/** What is known of an answer as a whole. */
export interface Whole {
  /** What its ids are made of. */
  readonly core: string
  /** As its upstream named it. */
  readonly model: unknown
  /** In the words of Messages; null: nothing is known. */
  readonly usage: Json | null
  readonly output: readonly Json[]
}

/** The model as the client reads it. */
export function modelOf(said: unknown, { restore, model }: Telling): unknown {
  return restore ?? (typeof said === 'string' && said !== '' ? said : model)
}

/** The hub's response object, with every member that its readers rely on (protocols.md 1.3). What Messages does not tell is told as it is by default. */
export function responseOf({ core, model, usage, output }: Whole, telling: Telling, ended: Ended | { readonly status: 'in_progress' | 'failed' }): Json {
  const tier = tierToHub(usage)
  return {
    id: `resp_${core}`,
    object: 'response',
    created_at: telling.startedAtS,
    status: ended.status,
    error: null,
    incomplete_details: ended.status === 'incomplete' ? { reason: ended.reason } : null,
    instructions: null,
    metadata: {},
    model: modelOf(model, telling),
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    ...(tier === null ? {} : { service_tier: tier }),
    store: false,
    temperature: null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    usage: ended.status === 'in_progress' ? null : usageToHub(usage),
  }
}
