import { header, type Headers } from '../lib/headers.ts'
import { answer, type Answer } from './answer.ts'
import { refused } from './error.ts'
import { eventsOf, jsonOf } from './events.ts'
import type { Fault } from './fault.ts'
import type { Memory } from './memory.ts'
import { stream, whole, type Play } from './play.ts'
import { parseBody, readQuestion, type Asker, type Question } from './question.ts'
import { give, storedOf } from './remember.ts'
import { resource } from './resources.ts'
import { routeOf, split, type Route } from './route.ts'
import { seal } from './seal.ts'
import { altered, ofRefusal, reworded, scripted, statusPlay, type Asked, type Scripted } from './stage.ts'

export type { Asked, Scripted }

/** The key that a request names; null where it names none. */
export function keyOf(headers: Headers): string | null {
  const match = /^Bearer +(\S+) *$/i.exec(header(headers, 'authorization') ?? '')
  return match?.[1] ?? null
}

export const tokenExpired = refused(401, 'The access token has expired.', { code: 'token_expired' })

/** Decides everything about the answer to one request. Touches nothing but `memory`: no clock, no connection. */
export function script(asked: Asked, memory: Memory): Scripted {
  const bearer = keyOf(asked.headers)
  if (bearer === null) return scripted(asked, memory.id('req_'), ofRefusal(refused(401, 'No API key was given: send it as `Authorization: Bearer <key>`.')))
  const key = memory.tokens.keyOf(bearer)
  if (key === null) return scripted(asked, memory.id('req_'), ofRefusal(tokenExpired))
  const behaviour = memory.behaviour(key)
  if (behaviour === null) return scripted(asked, memory.id('req_'), ofRefusal(refused(401, 'Incorrect API key provided.', { code: 'invalid_api_key' })))
  const { path, query } = split(asked.path)
  const route = routeOf(asked.method, path)
  const body = route.kind === 'turn' ? parseBody(asked.body) : noBody
  const model = body.kind === 'fields' && typeof body.fields['model'] === 'string' ? body.fields['model'] : null
  const struck = memory.struck(key, { kind: route.kind === 'turn' ? 'turn' : 'other', model, nowMs: asked.nowMs, dice: memory.dice })
  const asker = { key, behaviour, memory, recall: (id: string) => memory.stored(key, id) }
  const play = statusPlay(struck, asked.nowMs, model) ?? playOf(route, body, query, { asked, asker, struck })
  const headed = { ...play, headers: { ...behaviour.headers, ...play.headers } }
  return scripted(asked, memory.id('req_'), headed, struck)
}

interface Scene {
  readonly asked: Asked
  readonly asker: Asker
  readonly struck: readonly Fault[]
}

const noBody = refused(400, 'A body is missing.')

function playOf(route: Route, body: ReturnType<typeof parseBody>, query: URLSearchParams, scene: Scene): Play {
  switch (route.kind) {
    case 'refused':
      return altered(ofRefusal(route.refused), scene.struck, null)
    case 'resource': {
      const found = resource(route.resource, query, scene.asker)
      return altered('kind' in found ? ofRefusal(found) : found, scene.struck, null)
    }
    case 'turn': {
      if (body.kind === 'refused') return altered(ofRefusal(body), scene.struck, null)
      const question = readQuestion(body.fields, scene.asked.body.length, scene.asker)
      if (question.kind === 'refused') return altered(ofRefusal(question), scene.struck, null)
      return route.endpoint === 'responses' ? respond(question, scene) : altered(aside(route.endpoint, question, scene), scene.struck, null)
    }
  }
}

/** An answer proper: said, altered by the faults, and remembered when it came to a good end. */
function respond(question: Question, scene: Scene): Play {
  const { asker, struck, asked } = scene
  const said = struck.reduce((one, fault) => reworded(one, fault.deed), answer(question, asker, asked.nowMs))
  const headers = { 'openai-model': said.model }
  const plain = question.stream ? stream(eventsOf(said, asker.behaviour.paceMs), headers) : whole(200, jsonOf(said), headers)
  const play = altered(plain, struck, said)
  remember(said, play, scene)
  return { ...play, dialogue: question.dialogue }
}

function remember(said: Answer, play: Play, { asked, asker: { memory } }: Scene): void {
  const stored = said.question.store && play.good
  give(said, memory, stored)
  if (stored) memory.keep(storedOf(said, asked.body.length))
}

/** The turns that are not answers: counting tokens, and compacting a dialogue. */
function aside(endpoint: 'input-tokens' | 'compact', question: Question, { asker, asked }: Scene): Play {
  if (endpoint === 'input-tokens') return whole(200, JSON.stringify({ object: 'response.input_tokens', input_tokens: question.inputTokens }))
  const said = answer({ ...question, fields: { ...question.fields, tools: [] } }, asker, asked.nowMs)
  const id = asker.memory.id('cmp_')
  const compaction = { id, type: 'compaction', encrypted_content: seal(asker.key, id, asker.behaviour.sealedBytes) }
  const output = [...question.input.filter((item) => item['role'] === 'user'), compaction]
  const model = { 'openai-model': said.model }
  const tier = { service_tier: said.tierServed }
  const compacted = { id: asker.memory.id('resp_'), object: 'response.compaction', created_at: said.createdAtS, output, usage: said.usage, ...tier }
  return { ...whole(200, JSON.stringify(compacted), model), dialogue: question.dialogue }
}
