import type { Clock } from './clock.ts'

/** Bytes that are pushed to one reader. */
export interface PushedBytes {
  read(reader: { chunk(bytes: Buffer): void; end(): void; broken(detail: string): void }): void
  cancel(): void
}

export type Collected =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  /** Cut off at the bound; `bytes` is what came before it. */
  | { readonly kind: 'too-large'; readonly bytes: Buffer }
  | { readonly kind: 'broken'; readonly detail: string }
  | { readonly kind: 'too-late' }

/** Reads all of it into one buffer, bounded in size and time. What does not fit is cancelled. */
export function collect(source: PushedBytes, bytesMax: number, clock: Clock, ms: number): Promise<Collected> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0
    let isOver = false
    const over = (collected: Collected) => {
      if (isOver) return
      isOver = true
      stop()
      if (collected.kind !== 'whole') source.cancel()
      resolve(collected)
    }
    const stop = clock.after(ms, () => over({ kind: 'too-late' }))
    source.read({
      chunk(bytes) {
        if (isOver) return
        length += bytes.length
        if (length > bytesMax) over({ kind: 'too-large', bytes: Buffer.concat(chunks) })
        else chunks.push(bytes)
      },
      end: () => over({ kind: 'whole', bytes: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks) }),
      broken: (detail) => over({ kind: 'broken', detail }),
    })
  })
}
