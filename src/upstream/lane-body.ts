import type { AnswerBody, AnswerReader } from '../ports/transport.ts'

/** What a body asks of the lane that it belongs to. */
interface LaneEnd {
  /** Whether it holds its socket up may have changed. */
  held(): void
  /** Its reader wants no more of it, and upstream has not ended it. */
  abandoned(): void
}

/** open: upstream may send more. ended: it will not, and the reader has not heard yet. over: the reader is told nothing any more. */
type State = 'open' | 'ended' | 'over'

/** While less than this waits, its socket is read on: most readers are back before the next frame comes. Unit: bytes. */
export const holdsFromBytes = 16 * 1024

/** The answer to one turn on a lane of a socket: one whole frame a chunk. */
export class LaneBody implements AnswerBody {
  readonly closed: Promise<void>
  readonly #lane: LaneEnd
  readonly #bytesMax: number
  #release: () => void = () => {}
  #reader: AnswerReader | null = null
  #flow: 'flowing' | 'paused' = 'flowing'
  #state: State = 'open'
  /** Null: it ended as it should. */
  #broken: string | null = null
  /** What came while the reader took nothing. */
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #hasWaiting = false
  #holds = false

  /** @param bytesMax what may wait for the reader; one frame always may. */
  constructor(lane: LaneEnd, bytesMax: number) {
    this.#lane = lane
    this.#bytesMax = bytesMax
    this.closed = new Promise((resolve) => (this.#release = resolve))
  }

  read(reader: AnswerReader): void {
    this.#reader = reader
    this.#tellSoon()
  }

  pause(): void {
    this.#flow = 'paused'
  }

  resume(): void {
    this.#flow = 'flowing'
    this.#tellSoon()
  }

  cancel(): void {
    const was = this.#state
    this.#state = 'over'
    this.#waiting = []
    this.#noteHeld()
    if (was === 'open') this.#lane.abandoned()
  }

  /** The call was called off: as if upstream had cut the connection. */
  breakOff(detail: string): void {
    if (this.#state !== 'open') return
    this.fail(detail)
    this.#lane.abandoned()
  }

  /** Whether its socket has to wait for its reader. */
  get holds(): boolean {
    return this.#holds
  }

  /** False: too much is waiting already. */
  push(frame: Buffer): boolean {
    if (this.#state !== 'open') return true
    if (this.#reader !== null && this.#flow === 'flowing' && !this.#hasWaiting) {
      this.#reader.chunk(frame)
      return true
    }
    if (this.#waiting.length > 0 && this.#waitingBytes + frame.length > this.#bytesMax) return false
    this.#waiting.push(frame)
    this.#hasWaiting = true
    this.#waitingBytes += frame.length
    this.#noteHeld()
    return true
  }

  /** The last frame has been pushed. */
  finish(): void {
    this.#end(null)
  }

  /** There will be no last frame. What waits is given to the reader before it hears. */
  fail(detail: string): void {
    this.#end(detail)
  }

  /** Upstream is done with the turn. */
  release(): void {
    this.#release()
  }

  #end(broken: string | null): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#broken = broken
    this.#tell()
  }

  /** A reader is never called from inside its own call. */
  #tellSoon(): void {
    if (this.#waiting.length > 0 || this.#state === 'ended') queueMicrotask(this.#tell)
  }

  readonly #tell = (): void => {
    if (this.#reader !== null) this.#tellReader(this.#reader)
    this.#noteHeld()
  }

  #noteHeld(): void {
    const holds = this.#state === 'open' && this.#waitingBytes >= holdsFromBytes
    if (holds === this.#holds) return
    this.#holds = holds
    this.#lane.held()
  }

  #tellReader(reader: AnswerReader): void {
    while (this.#state !== 'over' && this.#flow === 'flowing') {
      const frame = this.#waiting.shift()
      this.#hasWaiting = this.#waiting.length > 0
      if (frame !== undefined) {
        this.#waitingBytes -= frame.length
        reader.chunk(frame)
        continue
      }
      if (this.#state === 'open') return
      this.#state = 'over'
      if (this.#broken === null) reader.end()
      else reader.broken(this.#broken)
    }
  }
}
