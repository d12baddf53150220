import { answer, type Answer } from './answer.ts'
import { callerOf } from './caller.ts'
import { embed } from './chat/embeddings.ts'
import { draw } from './chat/images.ts'
import { moderate } from './chat/moderations.ts'
import type { Voice } from './dialect.ts'
import { dialects } from './dialects.ts'
import { refused, type JsonObject, type Refused } from './error.ts'
import type { Fault } from './fault.ts'
import type { Memory } from './memory.ts'
import { stream, whole, type Play } from './play.ts'
import { parseBody, type Asker, type Question } from './question.ts'
import { give, storedOf } from './remember.ts'
import { resource } from './resources.ts'
import { dialectNameOf, routeOf, split, type Endpoint, type Route } from './route.ts'
import { seal } from './seal.ts'
import { altered, ofRefusal, reworded, scripted, statusPlay, type Asked, type Scripted } from './stage.ts'

export type { Asked, Scripted }

/** Decides everything about the answer to one request. Touches nothing but `memory`: no clock, no connection. */
export function script(asked: Asked, memory: Memory): Scripted {
  const voice = { dialect: dialects[dialectNameOf(asked.path, asked.headers)], requestId: memory.id('req_') }
  const refuse = voice.dialect.refuser(voice.requestId)
  const caller = callerOf(asked.headers, memory, refuse)
  if (caller.kind === 'nobody') return scripted(asked, voice, ofRefusal(caller.refused))
  const { key, behaviour } = caller
  const { path, query } = split(asked.path)
  const route = routeOf(asked.method, path, refuse)
  const body = route.kind === 'turn' ? parseBody(asked.body, refuse) : noBody
  const model = body.kind === 'fields' && typeof body.fields['model'] === 'string' ? body.fields['model'] : null
  const struck = memory.struck(key, { kind: route.kind === 'turn' ? 'turn' : 'other', model, nowMs: asked.nowMs, dice: memory.dice })
  const asker = { key, behaviour, memory, recall: (id: string) => memory.stored(key, id) }
  const play = statusPlay(struck, voice, { nowMs: asked.nowMs, model }) ?? playOf(route, body, query, { asked, asker, struck, voice })
  const headed = { ...play, headers: { ...behaviour.headers, ...play.headers } }
  return scripted(asked, voice, headed, struck)
}

interface Scene {
  readonly asked: Asked
  readonly asker: Asker
  readonly struck: readonly Fault[]
  readonly voice: Voice
}

const noBody = refused(400, 'A body is missing.')

function playOf(route: Route, body: ReturnType<typeof parseBody>, query: URLSearchParams, scene: Scene): Play {
  switch (route.kind) {
    case 'refused':
      return unanswered(route.refused, scene)
    case 'resource':
      return unanswered(resource(route.resource, query, scene.asker, scene.voice), scene)
    case 'turn':
      return body.kind === 'refused' ? unanswered(body, scene) : turn(route.endpoint, body.fields, scene)
  }
}

/** What is no answer proper, altered by the faults. */
function unanswered(what: Play | Refused, { struck, voice: { dialect } }: Scene): Play {
  return altered('kind' in what ? ofRefusal(what) : what, struck, { dialect, said: null })
}

/** What is asked without a dialogue. */
const plainly = { embeddings: embed, moderations: moderate, images: draw } as const

const isPlain = (endpoint: Endpoint): endpoint is keyof typeof plainly => Object.hasOwn(plainly, endpoint)

function turn(endpoint: Endpoint, fields: JsonObject, scene: Scene): Play {
  const { asked, asker, voice } = scene
  if (isPlain(endpoint)) return unanswered(plainly[endpoint](fields, asker, asked.nowMs), scene)
  const refuse = voice.dialect.refuser(voice.requestId)
  const purpose = endpoint === 'count-tokens' ? 'count' : 'answer'
  const question = voice.dialect.read({ fields, bodyBytes: asked.body.length, headers: asked.headers, refuse, purpose }, asker)
  if (question.kind === 'refused') return unanswered(question, scene)
  switch (endpoint) {
    case 'responses':
    case 'chat':
    case 'messages':
      return respond(question, scene)
    case 'input-tokens':
      return unanswered(whole(200, JSON.stringify({ object: 'response.input_tokens', input_tokens: question.inputTokens })), scene)
    case 'count-tokens':
      return unanswered(whole(200, JSON.stringify({ input_tokens: question.inputTokens })), scene)
    case 'compact':
      return unanswered(compact(question, scene), scene)
  }
}

/** An answer proper: said, altered by the faults, and remembered when it came to a good end. */
function respond(question: Question, scene: Scene): Play {
  const {
    asker,
    struck,
    asked,
    voice: { dialect },
  } = scene
  const said = struck.reduce((one, fault) => reworded(one, fault.deed), answer(question, asker, asked.nowMs))
  const headers = dialect.told(said)
  const plain = question.stream ? stream(dialect.events(said, asker.behaviour.paceMs), headers) : whole(200, dialect.whole(said), headers)
  const play = altered(plain, struck, { dialect, said })
  if (dialect.name === 'responses') remember(said, play, scene)
  return { ...play, dialogue: question.dialogue }
}

/** Only the Responses API can be asked for what it has said before. */
function remember(said: Answer, play: Play, { asked, asker: { memory } }: Scene): void {
  const stored = said.question.store && play.good
  give(said, memory, stored)
  if (stored) memory.keep(storedOf(said, asked.body.length))
}

/** A dialogue in fewer words. */
function compact(question: Question, { asker, asked }: Scene): Play {
  const said = answer({ ...question, wishes: { ...question.wishes, tools: new Map() } }, asker, asked.nowMs)
  const id = asker.memory.id('cmp_')
  const compaction = { id, type: 'compaction', encrypted_content: seal(asker.key, id, asker.behaviour.sealedBytes) }
  const output = [...question.input.filter((item) => item['role'] === 'user'), compaction]
  const tier = { service_tier: said.tierServed }
  const compacted = { id: asker.memory.id('resp_'), object: 'response.compaction', created_at: said.createdAtS, output, usage: said.usage, ...tier }
  return { ...whole(200, JSON.stringify(compacted), { 'openai-model': said.model }), dialogue: question.dialogue }
}
