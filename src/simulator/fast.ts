import { answer, idsOf, type Answer } from './answer.ts'
import type { Behaviour } from './behaviour.ts'
import type { Dialect } from './dialect.ts'
import type { HeaderValues } from './frame.ts'
import type { Memory } from './memory.ts'
import { stepsOf, stream, whole, type Step } from './play.ts'
import type { Scripted } from './stage.ts'

/** One piece of an answer prepared beforehand. `holes`: where its id stands in the bytes. */
export interface Piece {
  readonly step: Step
  readonly holes: readonly number[]
}

interface Template {
  readonly head: { readonly status: number; readonly headers: HeaderValues }
  readonly pieces: readonly Piece[]
}

/** By the behaviour, and by the name of the dialect. */
const templates = new WeakMap<Behaviour, Map<string, Template>>()

/** The model that every fast answer names. */
const fastModel = 'fast-model'

/** The answer to any request of a key whose behaviour is fast: only the id is fresh, and pieces without it are shared. */
export function fastScript(behaviour: Behaviour, memory: Memory, nowMs: number, dialect: Dialect): Scripted {
  let known = templates.get(behaviour)
  if (known === undefined) templates.set(behaviour, (known = new Map<string, Template>()))
  let template = known.get(dialect.name)
  if (template === undefined) known.set(dialect.name, (template = prepare(behaviour, memory, nowMs, dialect)))
  const id = memory.id(idsOf[dialect.name].answer)
  const steps = template.pieces.map((piece) => withId(piece, id))
  return { head: template.head, headAfterMs: 0, steps, faults: [], dialogue: null }
}

export function withId({ step, holes }: Piece, id: string): Step {
  if (step.kind !== 'send' || holes.length === 0) return step
  const bytes = Buffer.from(step.bytes)
  for (const at of holes) bytes.write(id, at, 'latin1')
  return { ...step, bytes }
}

/** What every answer of a fast key says. */
export function saidFast(behaviour: Behaviour, memory: Memory, nowMs: number, dialect: Dialect): Answer {
  const asker = { key: '', behaviour: { ...behaviour, models: null, unsupported: [] }, memory, recall: () => null }
  const fields = dialect.least(fastModel, 'fast', behaviour.fast !== 'json')
  const headers = { 'anthropic-version': '2023-06-01' }
  const question = dialect.read({ fields, bodyBytes: 64, headers, refuse: dialect.refuser(''), purpose: 'answer' }, asker)
  if (question.kind === 'refused') throw new Error(`the fast question was refused: ${question.text}`)
  return answer(question, asker, nowMs)
}

function prepare(behaviour: Behaviour, memory: Memory, nowMs: number, dialect: Dialect): Template {
  const said = saidFast(behaviour, memory, nowMs, dialect)
  const play = behaviour.fast === 'stream' ? stream(dialect.events(said, behaviour.paceMs), {}) : whole(200, dialect.whole(said))
  const { headers, steps } = stepsOf(play)
  return {
    head: { status: 200, headers: { ...dialect.headers(memory.id('req_')), ...behaviour.headers, ...headers } },
    pieces: steps.flatMap((step) => (step.kind === 'send' ? piecesOf(step, said.id) : [{ step, holes: [] }])),
  }
}

/** Stretches without the id that are longer than this are shared, not copied for each answer. */
const sharedBytesMin = 4_096

export function piecesOf(step: Extract<Step, { kind: 'send' }>, id: string): readonly Piece[] {
  const { bytes } = step
  const pieces: Piece[] = []
  let holes: number[] = []
  let start = 0
  const cut = (end: number) => {
    if (end > start) pieces.push({ step: { kind: 'send', waitMs: pieces.length === 0 ? step.waitMs : 0, bytes: bytes.subarray(start, end) }, holes })
    start = end
    holes = []
  }
  for (let from = 0, at = bytes.indexOf(id); ; at = bytes.indexOf(id, from)) {
    if ((at === -1 ? bytes.length : at) - from > sharedBytesMin) {
      cut(from)
      cut(at === -1 ? bytes.length : at)
    }
    if (at === -1) break
    holes.push(at - start)
    from = at + id.length
  }
  cut(bytes.length)
  return pieces
}
