import { isObject, type JsonObject } from './error.ts'

export const outputTypes: ReadonlySet<unknown> = new Set(['function_call_output', 'custom_tool_call_output'])

/** The text of a content: itself, or that of its parts. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part) => (isObject(part) && typeof part['text'] === 'string' ? part['text'] : '')).join(' ')
}

/** Tokens of what was said in these items: a quarter of the bytes, but for white space, so that it is all one how a text was divided, joined or laid out. */
export function tokensOf(items: readonly JsonObject[]): number {
  return Math.ceil(items.reduce((sum, item) => sum + bytesOf(item), 0) / 4)
}

function bytesOf(item: JsonObject): number {
  const said = [item['name'], item['arguments'], item['input']].map((text) => (typeof text === 'string' ? text : ''))
  const text = [textOf(item['content']), textOf(item['output']), ...said].join('')
  return Buffer.byteLength(text.replaceAll(/\s+/g, ''))
}
