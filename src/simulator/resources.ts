import type { Voice } from './dialect.ts'
import { refused, type Refused } from './error.ts'
import { unknownModel } from './members.ts'
import type { Stored } from './memory.ts'
import { messagesModel, messagesModels } from './messages/models.ts'
import { whole, type Play } from './play.ts'
import type { Asker } from './question.ts'

/** What lies below `/responses`, and the list of models. */
export type Resource =
  | { readonly kind: 'models' }
  | { readonly kind: 'model'; readonly name: string }
  | { readonly kind: 'read' | 'delete' | 'cancel' | 'input-items'; readonly id: string }

/** Models that are listed where a key may use any. */
const anyModels = ['gpt-5.5', 'gpt-5.6-sol', 'gpt-6-sol', 'gpt-6.1-sol']
const modelsCreatedS = 1_790_000_000

/** @param voice decides in whose words models are listed. */
export function resource(asked: Resource, query: URLSearchParams, asker: Asker, voice: Voice): Play | Refused {
  const { models } = asker.behaviour
  switch (asked.kind) {
    case 'models': {
      if (voice.dialect.name === 'messages') return messagesModels(models, query)
      return whole(200, JSON.stringify({ object: 'list', data: (models ?? anyModels).map(modelOf) }))
    }
    case 'model': {
      if (voice.dialect.name === 'messages') return messagesModel(models, asked.name, voice)
      return models === null || models.includes(asked.name) ? whole(200, JSON.stringify(modelOf(asked.name))) : unknownModel(asked.name)
    }
    case 'read':
    case 'delete':
    case 'cancel':
    case 'input-items': {
      const stored = asker.memory.stored(asker.key, asked.id)
      if (stored === null) return refused(404, `Response with id '${asked.id}' not found.`)
      return ofStored(asked.kind, stored, query, asker)
    }
  }
}

const modelOf = (id: string) => ({ id, object: 'model', created: modelsCreatedS, owned_by: 'openai' })

function ofStored(kind: 'read' | 'delete' | 'cancel' | 'input-items', stored: Stored, query: URLSearchParams, asker: Asker): Play | Refused {
  switch (kind) {
    case 'read':
      if (query.get('stream') === 'true') return refused(400, 'Only a response that runs in the background can be streamed again.', { param: 'stream' })
      return whole(200, stored.response())
    case 'delete':
      asker.memory.forget(stored)
      return whole(200, JSON.stringify({ id: stored.id, object: 'response', deleted: true }))
    case 'cancel':
      return stored.background ? whole(200, stored.response()) : refused(400, 'Only a response that runs in the background can be cancelled.')
    case 'input-items':
      return inputItems(stored, query)
  }
}

function inputItems(stored: Stored, query: URLSearchParams): Play | Refused {
  const limit = Number(query.get('limit') ?? 20)
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) return refused(400, "Invalid 'limit': expected a whole number from 1 to 100.", { param: 'limit' })
  const named = stored.input.map((item, at) => ({ ...item, id: typeof item['id'] === 'string' ? item['id'] : `${stored.id.replace('resp', 'item')}_${at}` }))
  const ordered = query.get('order') === 'asc' ? named : named.toReversed()
  const after = query.get('after')
  const from = after === null ? 0 : ordered.findIndex((item) => item.id === after) + 1
  const data = ordered.slice(from, from + limit)
  const list = { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: from + limit < ordered.length }
  return whole(200, JSON.stringify(list))
}
