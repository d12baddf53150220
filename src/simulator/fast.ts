import { answer, type Answer } from './answer.ts'
import type { Behaviour } from './behaviour.ts'
import { eventsOf, jsonOf, type Frame } from './events.ts'
import type { Memory } from './memory.ts'
import { stepsOf, stream, whole, type Step } from './play.ts'
import { readQuestion } from './question.ts'
import type { Scripted } from './stage.ts'

/** One piece of an answer prepared beforehand. `holes`: where its id stands in the bytes. */
export interface Piece {
  readonly step: Step
  readonly holes: readonly number[]
}

interface Template {
  readonly head: { readonly status: number; readonly headers: { readonly [name: string]: string | readonly string[] } }
  readonly pieces: readonly Piece[]
}

const templates = new WeakMap<Behaviour, Template>()

/** The model that every fast answer names. */
const fastModel = 'fast-model'

/** The answer to any request of a key whose behaviour is fast: only the id is fresh, and pieces without it are shared. */
export function fastScript(behaviour: Behaviour, memory: Memory, nowMs: number): Scripted {
  let template = templates.get(behaviour)
  if (template === undefined) templates.set(behaviour, (template = prepare(behaviour, memory, nowMs)))
  const id = memory.id('resp_')
  const steps = template.pieces.map((piece) => withId(piece, id))
  return { head: template.head, headAfterMs: 0, steps, faults: [], dialogue: null }
}

export function withId({ step, holes }: Piece, id: string): Step {
  if (step.kind !== 'send' || holes.length === 0) return step
  const bytes = Buffer.from(step.bytes)
  for (const at of holes) bytes.write(id, at, 'latin1')
  return { ...step, bytes }
}

/** What every answer of a fast key says, and its events. */
export function saidFast(
  behaviour: Behaviour,
  memory: Memory,
  nowMs: number,
  form: 'stream' | 'json',
): { readonly said: Answer; readonly frames: readonly Frame[] } {
  const asker = { key: '', behaviour: { ...behaviour, models: null, unsupported: [] }, memory, recall: () => null }
  const body = { model: fastModel, input: 'fast', stream: form === 'stream', store: false }
  const question = readQuestion(body, 64, asker)
  if (question.kind === 'refused') throw new Error(`the fast question was refused: ${question.text}`)
  const said = answer(question, asker, nowMs)
  return { said, frames: form === 'stream' ? eventsOf(said, behaviour.paceMs) : [] }
}

function prepare(behaviour: Behaviour, memory: Memory, nowMs: number): Template {
  const form = behaviour.fast === 'stream' ? 'stream' : 'json'
  const { said, frames } = saidFast(behaviour, memory, nowMs, form)
  const play = form === 'stream' ? stream(frames, {}) : whole(200, jsonOf(said))
  const { headers, steps } = stepsOf(play)
  return {
    head: { status: 200, headers: { 'x-request-id': memory.id('req_'), ...behaviour.headers, ...headers } },
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
