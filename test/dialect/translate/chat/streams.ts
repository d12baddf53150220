import { isObject, type Json } from '../../../../src/dialect/json.ts'
import type { HubEvent, StreamReader, StreamWriter, Telling } from '../../../../src/dialect/translate/hub.ts'
import { chatTranslator } from '../../../../src/dialect/translate/chat/translator.ts'
import type { ClientModel } from '../../../../src/core/ids.ts'

/** How the tests of this folder drive both streams, and what they make of them. */

export const telling: Telling = { restore: null, model: 'asked' as ClientModel, wantsUsage: true, startedAtS: 1_795_000_000, memo: null }

/** A chunk as OpenAI sends it. */
export function chunk(delta: Json, more: Json = {}, top: Json = {}): Json {
  const choice = { index: 0, delta, logprobs: null, finish_reason: null, ...more }
  return { id: 'chatcmpl-abc', object: 'chat.completion.chunk', created: 1_795_000_005, model: 'gpt-5.5', choices: [choice], usage: null, ...top }
}

export const finish = (reason: string): Json => chunk({}, { finish_reason: reason })

export function usageChunk(usage: Json): Json {
  return { ...chunk({}), choices: [], usage }
}

/** All events that these chunks and the end of their stream amount to. */
export function readAll(chunks: readonly Json[], reader: StreamReader = chatTranslator.reader(telling)): readonly HubEvent[] {
  const events = chunks.flatMap((each) => reader.read(null, each))
  return [...events, ...reader.close()]
}

export function writeAll(events: readonly HubEvent[], writer: StreamWriter = chatTranslator.writer(telling)): readonly string[] {
  return events.flatMap((event) => writer.write(event).map((bytes) => bytes.toString('utf8')))
}

/** The JSON of server-sent events that are one line of data each; the closing mark is null. */
export function dataOf(events: readonly string[]): readonly (Json | null)[] {
  return events.map((event) => {
    const [, data = ''] = /^data: ([^\r\n]*)\n\n$/.exec(event) ?? []
    const value: unknown = data === '[DONE]' ? null : JSON.parse(data)
    if (value !== null && !isObject(value)) throw new Error(`no object: ${event}`)
    return value
  })
}

export interface Gathered {
  readonly text: string
  readonly refusal: string
  readonly calls: readonly Json[]
  readonly annotations: readonly unknown[]
  readonly finish: unknown
  readonly usage: unknown
  readonly isDone: boolean
}

/** What a client makes of chunks: the plainest possible way to add them up. */
export function gathered(chunks: readonly (Json | null)[]): Gathered {
  const said = { text: '', refusal: '', calls: [] as Record<string, unknown>[], annotations: [] as unknown[], finish: null as unknown, usage: null as unknown }
  for (const each of chunks) {
    if (each === null) continue
    said.usage = each['usage'] ?? said.usage
    for (const choice of each['choices'] as readonly { delta: Json; finish_reason: unknown }[]) {
      said.finish = choice.finish_reason ?? said.finish
      said.text += textOf(choice.delta['content'])
      said.refusal += textOf(choice.delta['refusal'])
      said.annotations.push(...((choice.delta['annotations'] as unknown[] | undefined) ?? []))
      for (const entry of (choice.delta['tool_calls'] ?? []) as readonly { index: number; id?: string; type?: string; function?: Json; custom?: Json }[]) {
        const call = (said.calls[entry.index] ??= { id: '', type: '', name: '', text: '' })
        call['id'] = entry.id ?? call['id']
        call['type'] = entry.type ?? call['type']
        const inner = entry.function ?? entry.custom ?? {}
        call['name'] = inner['name'] ?? call['name']
        call['text'] = textOf(call['text']) + textOf(inner['arguments'] ?? inner['input'])
      }
    }
  }
  return { ...said, isDone: chunks.at(-1) === null }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export const typesOf = (events: readonly HubEvent[]): readonly string[] => events.map(({ type }) => type)

export const terminals = new Set(['response.completed', 'response.incomplete', 'response.failed'])
