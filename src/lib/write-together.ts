import type { Writable } from 'node:stream'

/** Writes all of it with one call of the system. One piece alone goes out so anyway, and for less. */
export function writeTogether(stream: Writable, pieces: readonly Buffer[]): void {
  const [only] = pieces
  if (only !== undefined && pieces.length === 1) {
    stream.write(only)
    return
  }
  stream.cork()
  for (const piece of pieces) stream.write(piece)
  stream.uncork()
}
