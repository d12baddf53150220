import type { ResponseId } from '../core/ids.ts'
import { Transcript, type Node } from '../core/transcript.ts'

/** What sessions keep of their dialogues, bounded for all of them together. */
export class Transcripts {
  readonly #bytesMax: () => number
  /** The one used last stands last. */
  readonly #open = new Set<SessionTranscript>()
  #bytes = 0

  constructor(bytesMax: () => number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  open(bytesMax: number): SessionTranscript {
    const transcript = new SessionTranscript(new Transcript(bytesMax), (one, by) => this.#changed(one, by))
    this.#open.add(transcript)
    return transcript
  }

  #changed(one: SessionTranscript, by: number | 'closed'): void {
    this.#open.delete(one)
    if (by === 'closed') {
      this.#bytes -= one.bytes
      return
    }
    this.#open.add(one)
    this.#bytes += by
    for (const other of this.#oldestFirst(one)) {
      if (this.#bytes <= this.#bytesMax()) return
      this.#bytes -= other.bytes
      other.giveUp()
    }
  }

  /** Sessions that do nothing, then those in which a turn runs, then the one that has just grown. */
  #oldestFirst(last: SessionTranscript): readonly SessionTranscript[] {
    if (this.#bytes <= this.#bytesMax()) return []
    const others = [...this.#open].filter((one) => one !== last)
    return [...others.filter((one) => one.isIdle), ...others.filter((one) => !one.isIdle), last]
  }
}

/** One session's dialogue. */
export class SessionTranscript {
  readonly #transcript: Transcript
  readonly #changed: (one: SessionTranscript, by: number | 'closed') => void
  /** Whether no turn of the session runs. */
  isIdle = true

  constructor(transcript: Transcript, changed: (one: SessionTranscript, by: number | 'closed') => void) {
    this.#transcript = transcript
    this.#changed = changed
  }

  get bytes(): number {
    return this.#transcript.bytes
  }

  find(id: ResponseId): Node | null {
    return this.#transcript.find(id)
  }

  chain(id: ResponseId): readonly Node[] | null {
    return this.#transcript.chain(id)
  }

  isWhole(id: ResponseId): boolean {
    return this.#transcript.isWhole(id)
  }

  add(node: Node): void {
    const before = this.bytes
    this.#transcript.add(node)
    this.#changed(this, this.bytes - before)
  }

  /** Others need the room: what the client continues can from now on only be continued where it is. */
  giveUp(): void {
    this.#transcript.clear()
  }

  close(): void {
    this.#changed(this, 'closed')
    this.#transcript.clear()
  }
}
