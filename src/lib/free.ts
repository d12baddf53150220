/** Less than this dies young for less than the call costs. */
const freedBytesMin = 16 * 1024

/**
 * Gives many bytes back at once. Left to the collector, which large bodies call for one after another, they cost more than all the rest of a turn: at 200 KB a
 * body, 510 us of CPU a turn instead of 280 (docs/decisions/009).
 *
 * Whoever still looks at them finds them empty. Only for bytes that no system call may still be reading: that one would read what comes after them.
 * Does nothing where the bytes are few, or part of something larger.
 */
export function free(bytes: Buffer): void {
  const { buffer } = bytes
  if (bytes.length >= freedBytesMin && buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length) buffer.transfer(0)
}
