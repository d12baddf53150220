import type { Memory } from '../../src/simulator/memory.ts'
import { script, type Scripted } from '../../src/simulator/script.ts'
import { nowMs, type Fields } from './support.ts'

export type Name = 'responses' | 'chat' | 'messages'
export const names: readonly Name[] = ['responses', 'chat', 'messages']

/** What may be asked in every dialect. */
export interface Asks {
  readonly says?: string
  readonly stream?: boolean
  readonly model?: string
  readonly system?: string
  /** Names of functions. */
  readonly tools?: readonly string[]
  readonly demands?: 'required' | 'none' | { readonly name: string }
  readonly reasons?: boolean
  readonly limit?: number
}

/** A call that was answered, as the client says it again. */
export interface Called {
  readonly id: string
  readonly name: string
  readonly says: string
  readonly output: string
}

interface Speaker {
  readonly path: string
  readonly headers: Fields & { readonly [name: string]: string }
  /** @param called a call of the turn before, and its output. */
  ask(asks: Asks, called?: Called): Fields
}

const speakers: Readonly<Record<Name, Speaker>> = {
  responses: {
    path: '/v1/responses',
    headers: {},
    ask: (asks, called) => ({
      model: asks.model ?? 'gpt-5.5',
      input: [
        ...(asks.system === undefined ? [] : [{ role: 'system', content: asks.system }]),
        { role: 'user', content: asks.says ?? 'hello there' },
        ...(called === undefined
          ? []
          : [
              { type: 'function_call', call_id: called.id, name: called.name, arguments: called.says },
              { type: 'function_call_output', call_id: called.id, output: called.output },
            ]),
      ],
      ...streamed(asks),
      ...(asks.tools && { tools: asks.tools.map((name) => ({ type: 'function', name, parameters: {}, strict: null })) }),
      ...(asks.demands && { tool_choice: typeof asks.demands === 'string' ? asks.demands : { type: 'function', name: asks.demands.name } }),
      ...(asks.reasons && { reasoning: { effort: 'low', summary: 'auto' } }),
      ...(asks.limit !== undefined && { max_output_tokens: asks.limit }),
    }),
  },
  chat: {
    path: '/v1/chat/completions',
    headers: {},
    ask: (asks, called) => ({
      model: asks.model ?? 'gpt-5.5',
      messages: [
        ...(asks.system === undefined ? [] : [{ role: 'system', content: asks.system }]),
        { role: 'user', content: asks.says ?? 'hello there' },
        ...(called === undefined
          ? []
          : [
              { role: 'assistant', content: null, tool_calls: [{ id: called.id, type: 'function', function: { name: called.name, arguments: called.says } }] },
              { role: 'tool', tool_call_id: called.id, content: called.output },
            ]),
      ],
      ...streamed(asks),
      ...(asks.stream && { stream_options: { include_usage: true } }),
      ...(asks.tools && { tools: asks.tools.map((name) => ({ type: 'function', function: { name, parameters: {} } })) }),
      ...(asks.demands && { tool_choice: typeof asks.demands === 'string' ? asks.demands : { type: 'function', function: { name: asks.demands.name } } }),
      ...(asks.reasons && { reasoning_effort: 'low' }),
      ...(asks.limit !== undefined && { max_completion_tokens: asks.limit }),
    }),
  },
  messages: {
    path: '/v1/messages?beta=true',
    headers: { 'anthropic-version': '2023-06-01' },
    ask: (asks, called) => ({
      model: asks.model ?? 'gpt-5.5',
      max_tokens: asks.limit ?? 1000,
      ...(asks.system !== undefined && { system: asks.system }),
      messages: [
        { role: 'user', content: asks.says ?? 'hello there' },
        ...(called === undefined
          ? []
          : [
              { role: 'assistant', content: [{ type: 'tool_use', id: called.id, name: called.name, input: JSON.parse(called.says) as unknown }] },
              { role: 'user', content: [{ type: 'tool_result', tool_use_id: called.id, content: called.output }] },
            ]),
      ],
      ...streamed(asks),
      ...(asks.tools && { tools: asks.tools.map((name) => ({ name, input_schema: { type: 'object' } })) }),
      ...(asks.demands && { tool_choice: demanded[typeof asks.demands === 'string' ? asks.demands : 'tool'](asks.demands) }),
      ...(asks.reasons && { thinking: { type: 'adaptive' } }),
    }),
  },
}

const demanded = {
  required: () => ({ type: 'any' }),
  none: () => ({ type: 'none' }),
  tool: (demands: unknown) => ({ type: 'tool', ...(demands as object) }),
}

const streamed = ({ stream }: Asks) => (stream === undefined ? {} : { stream })

/** Any request in a dialect. */
export function put(
  memory: Memory,
  name: Name,
  body: unknown,
  more: { readonly path?: string; readonly key?: string; readonly headers?: object } = {},
): Scripted {
  const { path, headers } = speakers[name]
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const all = { 'x-api-key': more.key ?? 'key-a', ...headers, ...more.headers }
  return script({ method: 'POST', path: more.path ?? path, headers: all, body: bytes, nowMs }, memory)
}

/** The same question, whatever the dialect. */
export function say(memory: Memory, name: Name, asks: Asks = {}, called?: Called): Scripted {
  return put(memory, name, bodyIn(name, asks, called))
}

export const bodyIn = (name: Name, asks: Asks, called?: Called) => speakers[name].ask(asks, called)
