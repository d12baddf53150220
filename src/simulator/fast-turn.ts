import * as ws from 'ws'
import type { Behaviour } from './behaviour.ts'
import { piecesOf, saidFast, withId, type Piece } from './fast.ts'
import type { Frame } from './frame.ts'
import type { Memory } from './memory.ts'
import type { Step } from './play.ts'
import { responses } from './responses/responses.ts'
import type { SocketStep } from './socket-script.ts'

type Send = Extract<Step, { kind: 'send' }>

const prepared = new WeakMap<Behaviour, readonly Piece[]>()

/** The answer to any frame of a key whose behaviour is fast, as frames that were put into bytes beforehand: only the id is fresh. */
export class FastTurn {
  readonly #steps: readonly SocketStep[]
  #at = 0

  constructor(behaviour: Behaviour, memory: Memory, nowMs: number) {
    let pieces = prepared.get(behaviour)
    if (pieces === undefined) prepared.set(behaviour, (pieces = prepare(behaviour, memory, nowMs)))
    const id = memory.id('resp_')
    this.#steps = pieces.map((piece) => withId(piece, id)).map((step) => (step.kind === 'send' ? { ...step, kind: 'bytes' } : { kind: 'hang' }))
  }

  get step(): SocketStep | null {
    return this.#steps[this.#at] ?? null
  }

  advance(): void {
    this.#at += 1
  }
}

function prepare(behaviour: Behaviour, memory: Memory, nowMs: number): readonly Piece[] {
  const said = saidFast({ ...behaviour, fast: 'stream' }, memory, nowMs, responses)
  return bursts(responses.events(said, behaviour.paceMs)).flatMap((step) => piecesOf(step, said.id))
}

/** What comes in one moment is one write. */
function bursts(frames: readonly Frame[]): readonly Send[] {
  const sends: { waitMs: number; parts: Buffer[] }[] = []
  for (const { waitMs, text } of frames) {
    const last = sends.at(-1)
    if (last === undefined || waitMs > 0) sends.push({ waitMs, parts: wire(text) })
    else last.parts.push(...wire(text))
  }
  return sends.map(({ waitMs, parts }) => ({ kind: 'send', waitMs, bytes: Buffer.concat(parts) }))
}

/** What `ws` puts around a text; its types leave it out. */
const { Sender } = ws as unknown as { readonly Sender: { frame(text: Buffer, options: object): Buffer[] } }
const wire = (text: string) => Sender.frame(Buffer.from(text), { fin: true, opcode: 1, mask: false, rsv1: false, readOnly: true })
