import { type Refused } from '../error.ts'
import type { Voice } from '../dialect.ts'
import { whole, type Play } from '../play.ts'
import { refuser } from './error.ts'

/** Models that are listed where a key may use any. */
const anyModels = ['claude-opus-5-5', 'claude-opus-5', 'claude-opus-4-8', 'claude-sonnet-5', 'claude-haiku-4-5-20251001']
const createdAt = '2026-09-21T00:00:00Z'
const limitUsual = 20
const limitMax = 1_000

const modelOf = (id: string) => ({
  type: 'model',
  id,
  display_name: id,
  created_at: createdAt,
  lifecycle: 'active',
  deprecated_at: null,
  retires_at: null,
  max_input_tokens: 1_000_000,
  max_tokens: 128_000,
})

/** `GET /v1/models` as Anthropic answers it, by the page (protocols.md 5.5). */
export function messagesModels(models: readonly string[] | null, query: URLSearchParams): Play {
  const all = models ?? anyModels
  const asked = Number(query.get('limit') ?? limitUsual)
  const limit = Number.isInteger(asked) && asked >= 1 ? Math.min(asked, limitMax) : limitUsual
  const from = all.indexOf(query.get('after_id') ?? '') + 1
  const ids = all.slice(from, from + limit)
  const data = ids.map(modelOf)
  return whole(200, JSON.stringify({ data, has_more: from + limit < all.length, first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null }))
}

export function messagesModel(models: readonly string[] | null, name: string, { requestId }: Voice): Play | Refused {
  return models === null || models.includes(name) ? whole(200, JSON.stringify(modelOf(name))) : refuser(requestId)(404, `model: ${name}`)
}
