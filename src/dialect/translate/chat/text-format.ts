import { isObject, type Json } from '../../json.ts'
import type { Unsaid } from '../unsaid.ts'

/** What form the answer's text must have: `response_format` of Chat, `text.format` of the hub. */

export function formatToHub(format: unknown, unsaid: Unsaid): unknown {
  if (!isObject(format) || format['type'] !== 'json_schema') return format
  const { type, json_schema: inner, ...others } = format
  unsaid.others(others, new Set(), 'response_format')
  return { ...unsaid.object(inner, 'response_format.json_schema'), type }
}

export function formatFromHub(format: unknown): unknown {
  if (!isObject(format) || format['type'] !== 'json_schema') return format
  const { type, ...inner } = format
  return { type, json_schema: inner } satisfies Json
}
