import type { Json } from '../../json.ts'
import type { DeltaForm } from '../hub.ts'
import { blockDelta, blockStart, blockStop, deltaClosing, deltaOpening } from './stream-events.ts'

/** A block that the client has open, and what of the hub it is. */
export interface Block {
  readonly kind: BlockKind
  /** The item's `output_index`. */
  readonly item: number
  /** Which part of a message; of other items always `onlyPart`. */
  readonly part: number
}

export type BlockKind = 'text' | 'thinking' | 'tool_use'

export const onlyPart = 0

const deltas = { text: 'text_delta', thinking: 'thinking_delta', tool_use: 'input_json_delta' } as const

/** Blocks as the wire wants them: one at a time, and numbered in their order. */
export class StreamBlocks {
  #open: Block | null = null
  #next = 0
  #out: Buffer[] = []

  get open(): Block | null {
    return this.#open
  }

  /** What was written since last asked. */
  taken(): readonly Buffer[] {
    const out = this.#out
    if (out.length > 0) this.#out = []
    return out
  }

  push(event: Buffer): void {
    this.#out.push(event)
  }

  begin(block: Block, content: Json): void {
    this.close()
    this.#open = block
    this.#out.push(blockStart(this.#next, content))
  }

  /** More of the open block. */
  tell(text: string): void {
    if (this.#open !== null) this.#out.push(blockDelta(this.#next, deltas[this.#open.kind], text))
  }

  /** How more of the open block is told. */
  get form(): DeltaForm | null {
    if (this.#open === null) return null
    return { before: deltaOpening(this.#next, deltas[this.#open.kind]), behind: deltaClosing, number: null, end: '' }
  }

  sign(signature: string): void {
    if (this.#open !== null) this.#out.push(blockDelta(this.#next, 'signature_delta', signature))
  }

  close(): void {
    if (this.#open === null) return
    this.#out.push(blockStop(this.#next))
    this.#open = null
    this.#next += 1
  }
}
